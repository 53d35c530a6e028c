/** What ~/.ssh/config says about one host, its Include lines followed. */
import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import picomatch from 'picomatch';
import { parse } from 'ssh-config';
import { byText } from '../core/order.ts';
import { table } from '../core/table.ts';

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

const nesting = 8;

const included = async (pattern: string, home: string): Promise<readonly string[]> => {
  const expanded = expandHome(pattern, home);
  const full = isAbsolute(expanded) ? expanded : join(home, '.ssh', expanded);
  const matches = picomatch(basename(full));
  const names = await readdir(dirname(full)).catch(() => []);
  return names
    .filter((name) => matches(name))
    .sort(byText)
    .map((name) => join(dirname(full), name));
};

/** The library does not know Include: those that hold for `host` are put in place, each followed by the section it stood in. */
const withIncludes = async (text: string, host: string, home: string, depth: number): Promise<string> => {
  const lines: string[] = [];
  let section = 'Host *';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:host|match)[\s=]/i.test(line)) section = line;
    const include = /^\s*include(?:\s*=\s*|\s+)(.+)$/i.exec(line)?.[1];
    if (include === undefined) {
      lines.push(line);
      continue;
    }
    const here = parse(`${section}\n  Tag here\n`).compute(host, { ignoreCase: true });
    if (here['tag'] === undefined || depth >= nesting) continue;
    for (const [, quoted, bare] of include.matchAll(/"([^"]*)"|(\S+)/g))
      for (const file of await included(quoted ?? bare ?? '', home)) {
        const inner = await readFile(file, 'utf8').catch(() => '');
        lines.push(await withIncludes(inner, host, home, depth + 1), section);
      }
  }
  return lines.join('\n');
};

/** Reads `HOME/.ssh/config`; a missing file says nothing. Throws an Error with the parser's message where it is malformed. */
export const settingsOf = async (host: string, home: string, localUser: string): Promise<HostSettings> => {
  const text = await readFile(join(home, '.ssh', 'config'), 'utf8').catch(() => '');
  const config = parse(await withIncludes(text, host, home, 0));
  const found: Readonly<Record<string, string | readonly string[] | undefined>> = config.compute(host, {
    ignoreCase: true,
  });
  const list = (key: string): readonly string[] => [found[key] ?? []].flat();
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
