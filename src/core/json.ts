/** JSON from outside: of bounded nesting, its objects without inherited members, and what is odd about it said in few words. */
import { bare } from './table.ts';
import { visible } from './visible.ts';

/** How deep lists and objects may nest. What Reeve and Xen write nests a dozen deep. */
export const deepestJson = 64;

/** `why` has no subject: `is not JSON: …`. `deep`: it may be JSON, and nests too deep. */
export type JsonRead =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly why: string; readonly deep: boolean };

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (x: unknown): x is JsonObject => typeof x === 'object' && x !== null && !Array.isArray(x);

/** A message that quotes what may have no end. */
export const cut = (text: string, most = 500): string => (text.length > most ? `${text.slice(0, most)}…` : text);

/** A value for a message: one line without control characters, cut to about so many characters. */
export const brief = (x: unknown, most = 60): string => {
  if (Array.isArray(x)) return x.length === 0 ? 'an empty list' : 'a list';
  if (typeof x === 'object' && x !== null) return 'an object';
  const text = typeof x === 'string' ? x.slice(0, most + 1) : x;
  const json = visible(JSON.stringify(text) ?? 'nothing');
  return json.length > most + 2 ? `${json.slice(0, most)}…` : json;
};

/** What some text says of itself, for a message; in no quotes. */
export const briefly = (text: string, most = 200): string => {
  const line = visible(JSON.stringify(text.slice(0, most + 1)).slice(1, -1)).replaceAll(String.raw`\"`, '"');
  return line.length > most ? `${line.slice(0, most)}…` : line;
};

/** Whether it nests no deeper than is allowed; takes what its objects inherit from them. */
const settle = (root: unknown): boolean => {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const x of level) {
      if (typeof x !== 'object' || x === null) continue;
      if (depth === deepestJson) return false;
      if (!Array.isArray(x)) Object.setPrototypeOf(x, bare);
      for (const item of Object.values(x)) if (typeof item === 'object' && item !== null) next.push(item);
    }
    level = next;
  }
  return true;
};

/** Never throws. */
export const parseJson = (text: string): JsonRead => {
  try {
    const value: unknown = JSON.parse(text);
    return settle(value) ? { ok: true, value } : { ok: false, why: `nests more than ${deepestJson} deep`, deep: true };
  } catch (error) {
    return { ok: false, why: `is not JSON: ${briefly(error instanceof Error ? error.message : '')}`, deep: false };
  }
};
