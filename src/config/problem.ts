/** What is wrong with the files, by JSON pointer: located only when it is shown, since finding lines costs a second parse. */
import leven from 'leven';
import type { Position } from '../core/diagnostic.ts';
import type { FileCode } from '../core/reason.ts';

/** A place in a file: the value at the pointer, or the key that leads to it. */
export interface Place {
  readonly file: string;
  readonly pointer: string;
  readonly on?: 'key' | 'value';
}

export interface Problem {
  readonly severity?: 'warning';
  readonly code: FileCode;
  readonly message: string;
  /** A position where the file could not even be parsed; nothing where it is about no place. */
  readonly at?: Place | Position | undefined;
  readonly hint?: string | undefined;
  readonly related?: readonly { readonly message: string; readonly at: Place }[];
  /** Its line may hold a password, and is never shown. */
  readonly conceal?: boolean;
}

export const isPosition = (at: Place | Position): at is Position => 'line' in at;

/** Collects problems; one mistake that many VMs share (in `defaults`, in a profile) counts once. */
export interface Problems {
  readonly add: (problem: Problem) => void;
  readonly all: readonly Problem[];
}

export const collector = (): Problems => {
  const all: Problem[] = [];
  const seen = new Set<string>();
  return {
    all,
    add(p) {
      const at = p.at;
      const place =
        at === undefined
          ? p.message
          : isPosition(at)
            ? `${at.file}:${at.line}:${at.column}`
            : `${at.file} ${at.pointer} ${at.on ?? ''}`;
      const key = `${p.code} ${place}`;
      if (seen.has(key)) return;
      seen.add(key);
      all.push(p);
    },
  };
};

/** One step of a JSON pointer (RFC 6901). */
export const step = (key: string | number): string => {
  const text = String(key);
  return /[~/]/.test(text) ? `/${text.replaceAll('~', '~0').replaceAll('/', '~1')}` : `/${text}`;
};

/** The keys of a JSON pointer. */
export const keysOf = (pointer: string): readonly string[] =>
  pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((k) => k.replaceAll('~1', '/').replaceAll('~0', '~'));

/** `vms.web-1.memory`: a pointer for people. */
export const dotted = (pointer: string): string => keysOf(pointer).join('.');

const letters = (word: string): string => Array.from(word.toLowerCase()).sort().join('');

/** The word among `known` that `word` was most likely meant to be, or undefined. */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  let best: string | undefined;
  let least = Math.max(1, Math.ceil(word.length / 3)) + 1;
  for (const k of known) {
    if (Math.abs(k.length - word.length) >= least) continue;
    // Letters that are swapped, and capitals, are one slip.
    const d = letters(k) === letters(word) ? 1 : leven(word, k);
    if (d < least) {
      least = d;
      best = k;
    }
  }
  return best;
};

/** `did you mean "memory"?`, or the choices where they are few, or what else there is to say. */
export const didYouMean = (word: string, known: readonly string[], what: string): string => {
  const near = nearest(word, known);
  if (near !== undefined) return `did you mean ${JSON.stringify(near)}?`;
  if (known.length === 0) return `there is no ${what}`;
  const shown = known.slice(0, 12);
  return `${what} can be ${shown.join(', ')}${known.length > shown.length ? ` … (${known.length} in all)` : ''}`;
};
