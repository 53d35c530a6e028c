/** `ps`: the xl daemons that watch domains, and from which cfg each was started. */

export interface Monitors {
  /** Paths of cfgs, sorted. */
  readonly paths: readonly string[];
  /** Daemons of which nobody can say what they watch: after a restore or a migration, or from a path that is relative. */
  readonly strays: number;
}

/** `known`: the paths of the cfgs that were read; a path with blanks is found only among them. */
export const parseMonitors = (text: string, known: readonly string[]): Monitors => {
  const paths = new Set<string>();
  let strays = 0;
  for (const line of text.split('\n')) {
    const args = /^\s*\d+\s+(?:\S*\/)?xl((?:\s+-\S+)*\s+(?:create|restore|migrate-receive)(?:\s.*)?)$/.exec(line)?.[1];
    if (args === undefined) continue;
    const words = args.trim().split(/\s+/);
    const given = words.slice(words.indexOf('create') + 1).find((w) => !w.startsWith('-')) ?? '';
    const path =
      known.find((p) => `${args} `.includes(` ${p} `)) ??
      (given.startsWith('/') ? given : known.find((p) => given !== '' && p.endsWith(`/${given}`)));
    // Of two from one cfg, one was started before a rename gave the path to another VM.
    if (path !== undefined && words.includes('create') && !paths.has(path)) paths.add(path);
    else strays += 1;
  }
  return { paths: [...paths].sort(), strays };
};
