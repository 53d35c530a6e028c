/** What the rest of the farm gives to the checks of one thing. */
import { holdsPassword } from '../core/password.ts';
import type { PoolSpec } from '../kinds/farm.ts';
import type { Gathered } from './gather.ts';
import { placeIn, type Found, type Layer } from './layers.ts';
import type { Problems } from './problem.ts';

/** What the shape's check has taken out: nothing is said to be missing there. */
export type Spoiled = (file: string, pointer: string) => boolean;

export interface Around {
  /** By name. */
  readonly pools: ReadonlyMap<string, PoolSpec>;
  /** The pool of each server. */
  readonly servers: ReadonlyMap<string, string>;
  readonly profile: (name: Found<string>) => readonly Layer[];
  readonly defaults: Gathered['defaults'];
  readonly spoiled: Spoiled;
  readonly problems: Problems;
  /** Filled by whoever finds one: values of `Farm.written`. */
  readonly written: Map<string, string>;
}

/** Tells that a text may not be used as `what`, where `bad` says why. */
export const refuse = (
  problems: Problems,
  what: string,
  found: Found<string> | undefined,
  bad: (text: string) => string | null,
): void => {
  const why = found ? bad(found.value) : null;
  if (!found || why === null) return;
  problems.add({
    code: 'bad-value',
    message: `${JSON.stringify(found.value)} may not be ${what}`,
    at: placeIn(found),
    hint: why,
  });
};

const hides = (value: unknown): boolean =>
  Array.isArray(value) ? value.some(hides) : typeof value === 'string' && holdsPassword(value);

/** Tells that a value, or one of its items, holds a password, and shows neither. False where it holds none. */
export const refusePassword = (
  problems: Problems,
  what: string,
  found: Found<unknown> | undefined,
  hint: string,
): boolean => {
  if (!found || !hides(found.value)) return false;
  problems.add({
    code: 'literal-secret',
    message: `${what} holds a password`,
    at: placeIn(found),
    hint: `plans show it: ${hint}`,
    conceal: true,
  });
  return true;
};

/** A command that runs where Reeve runs; what the shell fills in is no password. */
export const refuseCommand = (
  problems: Problems,
  found: Found<string> | undefined,
  bad: (text: string) => string | null,
): void => {
  const fixed = found && { ...found, value: found.value.replaceAll(/\$(?:\w+|\{[^}]*\}|\([^)]*\))/g, '') };
  const hint = 'take it from the environment, like "$IPMI_PASSWORD", or from a file';
  if (!refusePassword(problems, 'a command', fixed, hint)) refuse(problems, 'a command', found, bad);
};
