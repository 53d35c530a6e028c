/** The words of LVM's command lines: options, sizes, names, tags and selections, and what is said of those that are none. */
import { failed, type Result } from './process.ts';
import { extentKiB, type Volume } from './volumes.ts';
import type { World } from './world.ts';

/** The values of options, and the words beside options. `-y -q` and such have none. */
export const parse = (argv: readonly string[]) => {
  const valued = new Set(['-n', '-L', '-W', '-S', '--addtag', '--deltag', '--setautoactivation', '--lock-type']);
  const all = (name: string): readonly string[] => argv.flatMap((a, i) => (argv[i - 1] === name ? [a] : []));
  return { all, words: argv.filter((a, i) => !a.startsWith('-') && !valued.has(argv[i - 1] ?? '')) };
};

export const noGroup = (name: string): Result =>
  failed(5, `  Volume group "${name}" not found\n  Cannot process volume group ${name}\n`);

/** `words`: what it says where only the volume is missing. */
export const missing = ({ groups }: World, path: string, words: string): Result => {
  const [vg = ''] = path.split('/');
  return groups.has(vg) ? failed(5, `  ${words}\n`) : noGroup(vg);
};
export const noVolume = (path: string): string => `Failed to find logical volume "${path}"`;

/** As people read it; `<`: it is a little less. */
export const human = (sizeKiB: number): string => {
  const power = Math.min(4, Math.floor(Math.log2(sizeKiB) / 10));
  const size = sizeKiB / 1024 ** power;
  return `${Number(size.toFixed(2)) > size ? '<' : ''}${size.toFixed(2)} ${'KMGTP'[power] ?? ''}iB`;
};

/** To whole extents; `words` before the size that is meant, where that is another one. */
export const rounded = (
  word: string,
  words: string,
  dot: string,
): { readonly sizeKiB: number; readonly said: string } => {
  const asked = Number(word.replace(/k$/i, ''));
  const sizeKiB = Math.ceil(asked / extentKiB) * extentKiB;
  return { sizeKiB, said: sizeKiB === asked ? '' : `  ${words} ${human(sizeKiB)}${dot}\n` };
};

/** The words that LVM's rules for names are broken with; null: it is one. */
export const badName = (name: string): string | null => {
  if (!/^[\w+.][\w+.-]*$/.test(name)) return `Logical volume name "${name}" is invalid.`;
  const reserved = ['snapshot', 'pvmove'].find((r) => name.startsWith(r));
  return reserved === undefined
    ? null
    : `Names starting "${reserved}" are reserved. Please choose a different LV name.`;
};

export const misused = (tool: string, why: string): Result =>
  failed(3, `  ${why}\n  Run \`${tool} --help' for more information.\n`);

/** Refuses a tag that LVM would not take. */
export const badTag = (argv: readonly string[]): Result | null => {
  const at = argv.findIndex((a, i) => /^--(?:add|del)tag$/.test(argv[i - 1] ?? '') && !/^[\w+./=!:&#-]+$/.test(a));
  if (at < 0) return null;
  return failed(
    3,
    `  Invalid argument for ${argv[at - 1] ?? ''}: ${argv[at] ?? ''}\n  Error during parsing of command line.\n`,
  );
};

export const retagged = (tags: readonly string[], argv: readonly string[]): readonly string[] => {
  const { all } = parse(argv);
  const gone = new Set(all('--deltag'));
  return [...new Set([...tags.filter((t) => !gone.has(t)), ...all('--addtag')])].sort();
};

/** Of the language of `--select`: a name, tags that are among those of the volume (`{}`) or all of them (`[]`), and `||` between such. */
export const selects = (expression: string, lv: string, { tags }: Volume): boolean =>
  expression.split(' || ').some((one) => {
    const name = /lv_name="([^"]*)"/.exec(one)?.[1];
    const [, kind, list] = /lv_tags=([[{"])([^\]}]*?)[\]}"](?=\)|$)/.exec(one) ?? [];
    const wanted = [...(list ?? '').matchAll(/"([^"]+)"/g)].map((m) => m[1] ?? '');
    const fits =
      kind === undefined || (wanted.every((t) => tags.includes(t)) && (kind === '{' || wanted.length === tags.length));
    return (name === undefined || name === lv) && fits;
  });
