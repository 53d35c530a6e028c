/** Sets of CPUs as Xen prints them: `all`, or sorted ranges, `0-3,7`. */

/** No Xen is built for more. */
const most = 8191;

const rangeOf = (text: string): readonly [number, number] | string => {
  const m = /^ *(\d{1,4}) *(?:- *(\d{1,4}) *)?$/.exec(text);
  if (!m) return 'it is like 0-3 or 0,2,4-7, or all';
  const low = Number(m[1]);
  const high = Number(m[2] ?? m[1]);
  if (high > most) return `CPU ${high} is over ${most}`;
  return low <= high ? [low, high] : `${low}-${high} runs backwards: write ${high}-${low}`;
};

/** vCPU by vCPU, where they differ: `0; 2-3`. */
const between = '; ';

/** One set where all vCPUs have the same; else vCPU by vCPU. */
export const together = (sets: readonly string[]): string =>
  new Set(sets).size <= 1 ? (sets[0] ?? 'all') : sets.join(between);

export const isPerVcpu = (cpus: string): boolean => cpus.includes(between);

/** The set of each of `count` vCPUs; one that is not said may run anywhere. */
export const setsOf = (cpus: string, count: number): readonly string[] => {
  const sets = cpus.split(between);
  return Array.from({ length: count }, (_, i) => (sets.length === 1 ? sets[0] : sets[i]) ?? 'all');
};

/** `7,0-2,3` → `0-3,7`; or why it is no set of CPUs. */
export const parseCpus = (text: string): { readonly cpus: string } | { readonly why: string } => {
  if (text.trim() === 'all') return { cpus: 'all' };
  const ranges: (readonly [number, number])[] = [];
  for (const part of text.split(',')) {
    const range = rangeOf(part);
    if (typeof range === 'string') return { why: range };
    ranges.push(range);
  }
  const merged: [number, number][] = [];
  for (const [low, high] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return { cpus: merged.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(',') };
};
