/** `xenstore-ls -f` → values by path. What guests may write is among them: untrusted. */
import type { Unknown } from '../../../core/port.ts';
import { isOddName } from './told.ts';
import { table } from '../../../core/table.ts';

export interface Xenstore {
  get(path: string): string | undefined;
  /** The names right below a path, in the store's order. */
  list(path: string): readonly string[];
  /** A device's or vCPU's key that was not printed though others lie beneath it; null: there is none. */
  readonly orphan: string | null;
}

/** Keys that are counted by their own rows. */
const counted = /^\/(?:libxl\/\d+\/device\/\w+|local\/domain\/\d+\/cpu)\/\d+$/;

const plain: Readonly<Record<string, string>> = table({ t: '\t', n: '\n', r: '\r', '\\': '\\' });

/** Bytes stand as `\x8f` or in octal. */
const unescape = (value: string): string =>
  value.replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/g, (_, hex?: string, octal?: string, c?: string) => {
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
    return plain[c ?? ''] ?? c ?? '';
  });

export const parseXenstore = (text: string): Xenstore => {
  const values = new Map<string, string>();
  const below = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const m = /^(\/[^ ]*) = "(.*)"$/.exec(line);
    if (m?.[1] === undefined || m[2] === undefined) continue;
    const path = m[1];
    values.set(path, m[2].includes('\\') ? unescape(m[2]) : m[2]);
    const slash = path.lastIndexOf('/');
    const parent = path.slice(0, slash);
    const names = below.get(parent);
    if (names) names.push(path.slice(slash + 1));
    else below.set(parent, [path.slice(slash + 1)]);
  }
  const orphan = [...below.keys()].find((path) => counted.test(path) && !values.has(path)) ?? null;
  return { orphan, get: (path) => values.get(path), list: (path) => below.get(path) ?? [] };
};

/** Why xl list cannot be read: a line ends with a control character in a name, and whatever follows looks like another row. */
export const misnamedIn = (xs: Xenstore): Unknown | null => {
  const id = xs.list('/local/domain').find((d) => isOddName(xs.get(`/local/domain/${d}/name`) ?? ''));
  const why = `xl list cannot be read: the name of domain ${id} has a control character`;
  return id === undefined
    ? null
    : { is: 'unknown', reason: 'unparsable', why, help: `rename it: xl rename ${id} NAME` };
};
