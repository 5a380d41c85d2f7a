/**
 * Words that go with a number. Pure.
 *
 * @module
 */

/** The forms that a language has, what is like `other` left out; `#` stands for the number. */
export type Forms = { readonly [Form in Intl.LDMLPluralRule]?: string } & {
  readonly other: string;
};

/** Words of a number. */
export type Plural = (count: number, forms: Forms) => string;

/** English: `one` and `other`. */
export const english: Plural = pluralOf("en");

/** Russian: `one`, `few`, `many`, and `other` for what is not whole, which is as `few` mostly is. */
export const russian: Plural = pluralOf("ru");

/** Chooses the form of a language and writes the number as it does. */
function pluralOf(locale: string): Plural {
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return (count, forms) =>
    (forms[rules.select(count)] ?? forms.other).replaceAll("#", numbers.format(count));
}
