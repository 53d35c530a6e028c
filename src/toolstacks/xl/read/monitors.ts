/** `ps`: the xl daemons that watch domains, and from which cfg each was started. */

export interface Monitors {
  /** Paths of cfgs, sorted. */
  readonly paths: readonly string[];
  /** Daemons of which nobody can say what they watch: after a restore or a migration, or from a path that is relative. */
  readonly strays: number;
}

/** `cd /etc/xen; xl create web.cfg`, most likely; else the only file that may be meant. */
const behind = (given: string, known: readonly string[]): string | undefined => {
  const name = given.replace(/^\.\//, '');
  if (name === '' || name.startsWith('/')) return undefined;
  const usual = `/etc/xen/${name}`;
  const same = known.filter((p) => p.endsWith(`/${name}`));
  return same.includes(usual) || same.length !== 1 ? same.find((p) => p === usual) : same[0];
};

/** What `create` was given: the first word that is neither an option nor a setting. */
const fileAmong = (words: readonly string[]): string => {
  const after = words.slice(words.indexOf('create') + 1);
  const named = after.find((w) => w.startsWith('--defconfig='))?.slice('--defconfig='.length);
  return named ?? after.find((w) => !w.startsWith('-') && (w.startsWith('/') || !w.includes('='))) ?? '';
};

/** `known`: the paths of the files that were read; a path with blanks is found only among them. */
export const parseMonitors = (text: string, known: readonly string[]): Monitors => {
  const paths = new Set<string>();
  let strays = 0;
  for (const line of text.split('\n')) {
    const args = /^\s*\d+\s+(?:\S*\/)?xl((?:\s+-\S+)*\s+(?:create|restore|migrate-receive)(?:\s.*)?)$/.exec(line)?.[1];
    if (args === undefined) continue;
    const words = args.trim().split(/\s+/);
    const given = fileAmong(words);
    const path =
      known.find((p) => `${args} `.includes(` ${p} `)) ?? (given.startsWith('/') ? given : behind(given, known));
    // Of two from one cfg, one was started before a rename gave the path to another VM.
    if (path !== undefined && words.includes('create') && !paths.has(path)) paths.add(path);
    else strays += 1;
  }
  return { paths: [...paths].sort(), strays };
};
