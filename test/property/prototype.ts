/** What every object inherits, so that a test can tell that nothing has changed it. */

const members = (): readonly (readonly [PropertyKey, unknown])[] =>
  [Object.prototype, Array.prototype, Function.prototype].flatMap((of) =>
    Reflect.ownKeys(of).map((key) => {
      const d: { readonly value?: unknown; readonly get?: unknown } = Object.getOwnPropertyDescriptor(of, key) ?? {};
      return [key, d.value ?? d.get] as const;
    }),
  );

const before = members();

/** Throws where something was added, taken away or replaced since this file was loaded. */
export const assertUntouched = (): void => {
  const now = members();
  const other = now.find(([key, value], i) => before[i]?.[0] !== key || !Object.is(before[i][1], value));
  if (now.length !== before.length || other) throw new Error(`a prototype was changed: ${String(other?.[0])}`);
};
