/**
 * What the result of `parseArgs()` looks like, computed from its options. Types only.
 *
 * Names with dots are typed flat here and nested in the real package: don't use them typed.
 *
 * @module
 */

/**
 * Names of flags; `true` stands for all that have no value.
 *
 * @internal
 */
export type Booleans = boolean | string | undefined;

/**
 * Names of flags, none when undefined.
 *
 * @internal
 */
export type Names = string | undefined;

/**
 * Other names of flags.
 *
 * @internal
 */
export type Aliases<TArgNames = string, TAliasNames extends string = string> = Partial<
  Record<Extract<TArgNames, string>, TAliasNames | ReadonlyArray<TAliasNames>>
>;

/**
 * Default values as `parseArgs()` takes them.
 *
 * @internal
 */
export type Defaults<TBooleans extends Booleans, TStrings extends Names> =
  & Record<string, unknown>
  & Partial<Record<Extract<TBooleans | TStrings, string>, unknown>>;

/**
 * The flags of a result. Without a type for any of them, all are `any`.
 *
 * @internal
 */
export type Values<
  TBooleans extends Booleans,
  TStrings extends Names,
  TCollectable extends Names,
  TNegatable extends Names,
  TDefault extends Record<string, unknown> | undefined,
  TAliases extends Aliases | undefined,
> = IsTyped<TBooleans, TStrings, TCollectable> extends true ?
    & Record<string, unknown>
    & WithAliases<
      WithDefaults<
        & SingleStrings<Exclude<Extract<TStrings, string>, TCollectable>, TNegatable>
        & Lists<Extract<TStrings, TCollectable>, string, TNegatable>
        & Record<Exclude<Extract<TBooleans, string>, TCollectable>, boolean>
        & Lists<Extract<TBooleans, TCollectable>, boolean, undefined>
        & Lists<Exclude<TCollectable, TStrings | TBooleans>, unknown, TNegatable>,
        TDefault
      >,
      TAliases
    >
  // deno-lint-ignore no-explicit-any -- as in the real package
  : Record<string, any>;

type IsTyped<TBooleans extends Booleans, TStrings extends Names, TCollectable extends Names> =
  undefined extends (
    & (false extends TBooleans ? undefined : TBooleans)
    & TStrings
    & TCollectable
  ) ? false
    : true;

type SingleStrings<TName extends string, TNegatable extends Names> = {
  [Name in TName]?: string | Negated<Name, TNegatable>;
};

type Lists<TName, TItem, TNegatable extends Names> = {
  [Name in Extract<TName, string>]: TItem[] | Negated<Name, TNegatable>;
};

type Negated<TName, TNegatable extends Names> = TName extends TNegatable ? false : never;

type WithDefaults<TFlags, TDefault> = TDefault extends Record<string, unknown> ?
    & Omit<TFlags, keyof TDefault>
    & {
      [Name in keyof TDefault]: Name extends keyof TFlags
        ? TDefault[Name] | NonNullable<TFlags[Name]>
        : unknown;
    }
  : TFlags;

type WithAliases<TFlags, TAliases> = {
  [Name in keyof TFlags as Name | AliasOf<Name, TAliases>]: TFlags[Name];
};

type AliasOf<TName, TAliases> = TName extends keyof TAliases
  ? string extends TAliases[TName] ? never
  : TAliases[TName] extends string ? TAliases[TName]
  : TAliases[TName] extends Array<string> ? TAliases[TName][number]
  : never
  : never;

/**
 * Writes an intersection out as one object type.
 *
 * @internal
 */
export type Flat<T> = T extends Record<string, unknown> ? { [Key in keyof T]: T[Key] } : T;
