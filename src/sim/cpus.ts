/** CPU lists: what xl reads (`0-3,^1`, `all`, `nodes:0`) and what it prints (`0,2-3`, `all`). Affinities are arrays of CPU numbers. */

export type Cpus = readonly number[];

const upTo = (n: number): Cpus => Array.from({ length: n }, (_, i) => i);

/** A bitmap has whole bytes: `all` sets bits for CPUs that are not there. */
const width = (cpus: number): number => Math.ceil(cpus / 8) * 8;

/** Sorted, or what xl says. `cpus`: how many the host has. */
export const parseCpus = (text: string, cpus: number): Cpus | { readonly error: string } => {
  const set = new Set<number>();
  for (const word of text.split(',').filter((w) => w !== '')) {
    const not = word.startsWith('^');
    const rest = not ? word.slice(1) : word;
    if (rest === 'all') {
      if (not) return { error: 'Can\'t combine "^" and "all".\n' };
      for (const n of upTo(width(cpus))) set.add(n);
      continue;
    }
    const node = /^nodes?:(.*)$/.exec(rest);
    const m = /^(\d+)(?:-(\d+))?$/.exec(node?.[1] ?? rest);
    if (m === null || Number(m[2] ?? m[1]) < Number(m[1])) return { error: `Invalid pcpu range: ${rest}.\n` };
    const range = upTo(Number(m[2] ?? m[1]) + 1).slice(Number(m[1]));
    // One node has all CPUs.
    const members = node === null ? range.filter((n) => n < width(cpus)) : range.includes(0) ? upTo(cpus) : [];
    for (const n of members)
      if (not) set.delete(n);
      else set.add(n);
  }
  return [...set].sort((a, b) => a - b);
};

/** Those that the host has. */
export const reachable = (list: Cpus, cpus: number): Cpus => list.filter((n) => n < cpus);

/** As `xl vcpu-list` prints them. */
export const printCpus = (list: Cpus, cpus: number): string => {
  const on = reachable(list, cpus);
  if (on.length === cpus) return 'all';
  if (on.length === 0) return 'none';
  const ranges: [number, number][] = [];
  for (const n of on) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(',');
};

export const allCpus = (cpus: number): Cpus => upTo(cpus);
