/**
 * Words that go with a number. Pure.
 *
 * @module
 */

/** The forms that a language has; `#` stands for the number. */
export type Forms = { readonly [Form in Intl.LDMLPluralRule]?: string } & {
  readonly other: string;
};

/** Chooses the form of a language and writes the number as it does. */
export function pluralOf(locale: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return (count, forms) =>
    (forms[rules.select(count)] ?? forms.other).replaceAll("#", numbers.format(count));
}
