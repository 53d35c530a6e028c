/** What ~/.ssh/config says about one host, its Include lines followed. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { globMatches } from '../core/glob.ts';
import { byText } from '../core/order.ts';
import {
  newFound,
  parseSshConfig,
  SshConfigProblem,
  take,
  type SshAsker,
  type SshFound,
  type SshLine,
} from '../core/ssh-config.ts';
import { table } from '../core/table.ts';
import { largestSetting, readUserFile } from './user-file.ts';

/** Undefined or empty where the file is silent. Paths are absolute. */
export interface HostSettings {
  readonly hostName: string | undefined;
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly identityFiles: readonly string[];
  readonly jump: string | undefined;
  readonly knownHosts: readonly string[];
  /** HostKeyAlias: the name to look for in known_hosts. */
  readonly alias: string | undefined;
  /** Set where only a ProxyCommand leads there, which is not supported. */
  readonly proxyCommand: string | undefined;
}

export const expandHome = (path: string, home: string): string =>
  path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;

/** How deep files may include each other, as OpenSSH allows, and how many may be read for one host. */
const deepest = 16;
const mostFiles = 256;

interface Reading {
  readonly home: string;
  readonly asker: SshAsker;
  readonly found: SshFound;
  files: number;
}

const included = async (pattern: string, home: string): Promise<readonly string[]> => {
  const expanded = expandHome(pattern, home);
  const full = isAbsolute(expanded) ? expanded : join(home, '.ssh', expanded);
  if (!/[*?]/.test(basename(full))) return [full];
  const names = await readdir(dirname(full)).catch(() => []);
  return names
    .filter((name) => globMatches(basename(full), name) && (!name.startsWith('.') || basename(full).startsWith('.')))
    .sort(byText)
    .map((name) => join(dirname(full), name));
};

/** As a person names it. */
const shown = (path: string, home: string): string =>
  path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;

/** `from`: the line that includes it; null: it is the first. `above`: the files that include each other down to it. */
const readInto = async (
  path: string,
  reading: Reading,
  from: SshLine | null,
  above: readonly string[],
): Promise<void> => {
  const { home, asker, found } = reading;
  const at = from ?? { file: shown(path, home), line: 1 };
  if (above.includes(path)) throw new SshConfigProblem(at, `Include leads back to ${shown(path, home)}`);
  if (above.length > deepest) throw new SshConfigProblem(at, `files include each other more than ${deepest} deep`);
  if (++reading.files > mostFiles) throw new SshConfigProblem(at, `more than ${mostFiles} files are included`);
  const file = await readUserFile(path, largestSetting);
  if (file.is === 'missing') return;
  if (file.is === 'odd') throw new SshConfigProblem(at, `${shown(path, home)} ${file.why}`);
  for (const line of parseSshConfig(file.bytes.toString('utf8'), shown(path, home))) {
    if (line.key !== 'include') take(line, found, asker);
    else if (found.active) {
      for (const pattern of line.args)
        for (const inner of await included(pattern, home)) {
          await readInto(inner, reading, line, [...above, path]);
          found.active = true;
        }
    }
  }
};

/** Reads `HOME/.ssh/config`; a missing file says nothing. A text: what is wrong with it, with file and line. */
export const settingsOf = async (host: string, home: string, localUser: string): Promise<HostSettings | string> => {
  const reading: Reading = { home, asker: { host, localUser }, found: newFound(), files: 0 };
  try {
    await readInto(join(home, '.ssh', 'config'), reading, null, []);
  } catch (e) {
    if (e instanceof SshConfigProblem) return e.why;
    throw e;
  }
  const { values } = reading.found;
  const list = (key: string): readonly string[] => values[key] ?? [];
  const one = (key: string): string | undefined => {
    const first = list(key)[0];
    return first === undefined || first === 'none' ? undefined : first;
  };
  const hostName = one('hostname')?.replaceAll('%h', host);
  const user = one('user');
  const port = one('port');
  const tokens: Readonly<Record<string, string>> = table({
    '%': '%',
    d: home,
    h: hostName ?? host,
    n: host,
    r: user ?? 'root',
    u: localUser,
    p: port ?? '22',
  });
  const path = (value: string): string =>
    expandHome(
      value.replaceAll(/%(.)/g, (all, letter: string) => tokens[letter] ?? all),
      home,
    );
  const paths = (key: string): readonly string[] =>
    list(key)
      .filter((value) => value !== 'none')
      .map(path);
  return {
    hostName,
    user,
    port: port === undefined ? undefined : Number(port),
    identityFiles: paths('identityfile'),
    jump: one('proxyjump'),
    knownHosts: paths('userknownhostsfile'),
    alias: one('hostkeyalias'),
    proxyCommand: one('proxyjump') === undefined ? one('proxycommand') : undefined,
  };
};
