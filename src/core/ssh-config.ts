/** The lines of an ssh_config file, and what they say of one host: first come, first served, as OpenSSH reads it. Pure. */
import { globListMatches } from './glob.ts';
import { brief, cut } from './json.ts';
import { table } from './table.ts';

export interface SshLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** In lower case. */
  readonly key: string;
  readonly args: readonly string[];
}

/** `file:line: why`. */
export class SshConfigProblem {
  readonly why: string;
  constructor({ file, line }: Pick<SshLine, 'file' | 'line'>, why: string) {
    this.why = `${file}:${line}: ${cut(why)}`;
  }
}

/** Words, in double or single quotes or without; `#` begins a comment where a word would begin. Null: a quote stays open. */
const wordsOf = (rest: string): readonly string[] | null => {
  const words: string[] = [];
  let left = rest.trim();
  while (left !== '' && !left.startsWith('#')) {
    const m = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"']\S*))/.exec(left);
    if (!m) return null;
    words.push(m[1]?.replaceAll(/\\(["\\])/g, '$1') ?? m[2] ?? m[3] ?? '');
    left = left.slice(m[0].length).trimStart();
  }
  return words;
};

/** Throws an `SshConfigProblem` for a line that is none. */
export const parseSshConfig = (text: string, file: string): readonly SshLine[] =>
  text.split('\n').flatMap((raw, i): readonly SshLine[] => {
    const at = { file, line: i + 1 };
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const [, key, rest] = /^"?([A-Za-z][A-Za-z0-9]*)"?(?:\s*=\s*|\s+|$)(.*)$/s.exec(line) ?? [];
    if (key === undefined || rest === undefined) throw new SshConfigProblem(at, `${brief(line, 40)} is no setting`);
    // A command is the rest of its line, whatever stands in it.
    if (/^(?:proxycommand|localcommand|remotecommand|knownhostscommand)$/i.test(key))
      return [{ ...at, key: key.toLowerCase(), args: [rest] }];
    const args = wordsOf(rest);
    if (args === null) throw new SshConfigProblem(at, 'a quote is not closed');
    if (args.length === 0) throw new SshConfigProblem(at, `${key} has no value`);
    return [{ ...at, key: key.toLowerCase(), args }];
  });

/** Of whom a `Match` may ask. */
export interface SshAsker {
  readonly host: string;
  readonly localUser: string;
}

/** Values by key, in lower case: of most keys the first counts; of identity files all do. */
export interface SshFound {
  readonly values: Record<string, readonly string[]>;
  /** Whether the lines that come next are for this host. */
  active: boolean;
}

export const newFound = (): SshFound => ({ values: table(), active: true });

/** What depends on more than names (`exec`, `final`, `tagged`) does not hold. */
const holds = ({ args }: SshLine, { values }: SshFound, { host, localUser }: SshAsker): boolean => {
  const of = (key: string): string | undefined => values[key]?.[0];
  const subject = (criterion: string): string | undefined => {
    switch (criterion) {
      case 'host':
        return of('hostname') ?? host;
      case 'originalhost':
        return host;
      case 'user':
        return of('user') ?? localUser;
      case 'localuser':
        return localUser;
      default:
        return undefined;
    }
  };
  for (let i = 0; i < args.length; i++) {
    const word = (args[i] ?? '').toLowerCase();
    if (word === 'all') continue;
    const negated = word.startsWith('!');
    const text = subject(negated ? word.slice(1) : word);
    const patterns = args[++i];
    if (text === undefined || patterns === undefined) return false;
    if (globListMatches(patterns.split(','), text) === negated) return false;
  }
  return true;
};

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;

/** Takes in one line. Throws an `SshConfigProblem` for a value that counts and cannot be. */
export const take = (line: SshLine, found: SshFound, asker: SshAsker): void => {
  const { key, args } = line;
  if (key === 'host')
    found.active = globListMatches(
      args.map((p) => p.toLowerCase()),
      asker.host.toLowerCase(),
    );
  else if (key === 'match') found.active = holds(line, found, asker);
  else if (found.active) {
    if (key === 'port' && !isPort(args[0] ?? '')) throw new SshConfigProblem(line, `Port ${brief(args[0])} is no port`);
    if (key === 'identityfile') found.values[key] = [...(found.values[key] ?? []), args[0] ?? ''];
    else found.values[key] ??= args;
  }
};
