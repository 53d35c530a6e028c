/** A part of xenstore, as `xenstore-ls -f` prints it. */
import { table } from '../core/table.ts';

/** A leaf is its value, a folder its children; a folder's own value is empty. */
export type Tree = { readonly [name: string]: string | Tree };

const byCode = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

export const lines = (tree: Tree, path: string, out: string[]): void => {
  for (const [name, child] of Object.entries(tree).sort(byCode)) {
    const at = `${path}/${name}`;
    out.push(`${at} = "${typeof child === 'string' ? child : ''}"\n`);
    if (typeof child !== 'string') lines(child, at, out);
  }
};

export const keyed = <T>(items: Iterable<T>, entry: (item: T) => readonly [string | number, string | Tree]): Tree =>
  table([...items].map(entry));
