/** What is to stand in a file: maps, lists and plain values, with what is said beside them. */
import { table } from '../../core/table.ts';

export type Leaf = string | number | boolean;
export type Word = Leaf | readonly Word[] | Words;
export interface Words {
  readonly [key: string]: Word;
}

/** A sentence for whoever reads the file, above the key that it is about (`['disks']`); above the whole where there is none. */
export interface Note {
  readonly at: readonly string[];
  readonly text: string;
}

export const isWords = (x: Word | undefined): x is Words => typeof x === 'object' && x !== null && !Array.isArray(x);

export const wordAt = (tree: Word | undefined, path: readonly string[]): Word | undefined => {
  let at = tree;
  for (const key of path) at = isWords(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
};

/** Without what stands at the path, nor a map that has become empty by that; the same where nothing stands there. */
export const without = (tree: Words, path: readonly string[]): Words => {
  const [key = '', ...rest] = path;
  const part = tree[key];
  if (part === undefined) return tree;
  const left = rest.length > 0 && isWords(part) ? without(part, rest) : undefined;
  if (rest.length > 0 && (left === part || left === undefined)) return tree;
  const kept = Object.entries(tree).flatMap(([k, v]): readonly (readonly [string, Word])[] => {
    if (k !== key) return [[k, v]];
    return left && Object.keys(left).length > 0 ? [[k, left]] : [];
  });
  return wordsOf(kept);
};

/** Without what is undefined. */
export const wordsOf = (entries: Iterable<readonly [string, Word | undefined]>): Words =>
  table([...entries].flatMap(([k, v]) => (v === undefined ? [] : [[k, v] as const])));
