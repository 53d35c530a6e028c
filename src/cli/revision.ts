/** Files as they are in a commit, asked of git where Reeve runs: never by a shell, and nothing is checked out or written. */
import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import type { ConfigIo, Found } from '../config/io.ts';
import { nodeIo } from '../config/node-io.ts';
import { exit, ExitError } from './exit.ts';
import type { Shell } from './shell.ts';

const askMs = 60_000;
/** Bytes: no file of a farm is larger. */
const largest = 64 * 1024 * 1024;

type Said = { readonly ok: true; readonly out: Buffer } | { readonly ok: false; readonly why: string };

const git = (shell: Shell, argv: readonly string[]): Promise<Said> =>
  new Promise((done) => {
    const env = {
      ...shell.env,
      LC_ALL: 'C',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_TERMINAL_PROMPT: '0',
      GIT_NO_LAZY_FETCH: '1',
    };
    const all = ['--literal-pathspecs', '-c', 'core.fsmonitor=false', ...argv];
    execFile('git', all, { env, timeout: askMs, maxBuffer: largest, encoding: 'buffer' }, (error, out, err) =>
      done(error ? { ok: false, why: err.toString().trim().split('\n')[0] || error.message } : { ok: true, out }),
    );
  });

/** Throws an `ExitError` for what git could take for an option. */
const checked = (name: string): string => {
  if (!name.startsWith('-') && name !== '') return name;
  throw new ExitError(exit.error, `${name || "''"} is no revision`, 'it is a branch, a tag or a commit');
};

/** The folder of a path, or the nearest above it that is there: of which repository it is part. */
const folderOf = async (path: string): Promise<string> => {
  const place = resolve(path);
  const found = await nodeIo.look(place);
  return found.is === 'folder' || place === dirname(place) ? place : folderOf(dirname(place));
};

/** The newest commit that both have in common, so that what came to `base` since is no part of a diff; null: none is known. */
export const mergeBase = async (shell: Shell, base: string, head: string, near: string): Promise<string | null> => {
  const said = await git(shell, ['-C', await folderOf(near), 'merge-base', '--', checked(base), checked(head)]);
  return said.ok ? said.out.toString().trim() : null;
};

/** A commit whose files can be read. */
export interface Revision {
  /** As it was written. */
  readonly name: string;
  /** Reads `NAME:PATH`, and any other path of this machine. */
  readonly io: ConfigIo;
  /** The path as `io` takes it. */
  readonly at: (path: string) => string;
}

/** `100644 blob 0123… 12` */
interface Entry {
  readonly mode: string;
  readonly hash: string;
  readonly size: number;
}

/** `near`: a path in the repository. Throws an `ExitError` for a name that is no commit there. */
export const openRevision = async (shell: Shell, name: string, near: string): Promise<Revision> => {
  checked(name);
  const top = await git(shell, ['-C', await folderOf(near), 'rev-parse', '--show-toplevel']);
  if (!top.ok) throw new ExitError(exit.error, `${name} cannot be read: ${top.why}`, 'run it within a git repository');
  const root = top.out.toString().replace(/\n$/, '');
  const found = await git(shell, [
    '-C',
    root,
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${name}^{commit}`,
  ]);
  if (!found.ok)
    throw new ExitError(
      exit.error,
      `${name} is no revision of this repository`,
      'fetch it, or name a branch, a tag or a commit',
    );
  const commit = found.out.toString().trim();
  const prefix = `${name}:`;

  /** Its path within the repository. */
  const inside = async (path: string): Promise<string> => {
    const folder = await folderOf(path);
    const rest = relative(folder, resolve(path));
    // Git's root has no links in it.
    return relative(root, resolve(await realpath(folder), rest)) || '.';
  };
  const entryOf = async (path: string): Promise<Entry | 'root' | null> => {
    const place = await inside(path);
    if (place === '.') return 'root';
    if (place.startsWith('..')) return null;
    const said = await git(shell, ['-C', root, 'ls-tree', '-z', '-l', '--full-tree', commit, '--', place]);
    const [, mode, hash, size] = said.ok ? (/^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t/.exec(said.out.toString()) ?? []) : [];
    return mode === undefined || hash === undefined ? null : { mode, hash, size: Number(size) || 0 };
  };
  const own = (path: string): string | null => (path.startsWith(prefix) ? path.slice(prefix.length) : null);

  const look = async (path: string): Promise<Found> => {
    const entry = await entryOf(path);
    if (entry === null) return { is: 'missing' };
    if (entry === 'root' || entry.mode === '040000') {
      const hash = entry === 'root' ? `${commit}^{tree}` : entry.hash;
      const said = await git(shell, ['-C', root, 'ls-tree', '-z', '--name-only', '--full-tree', hash]);
      if (!said.ok) return { is: 'failed', why: said.why };
      return {
        is: 'folder',
        names: said.out
          .toString()
          .split('\0')
          .filter((n) => n !== ''),
      };
    }
    if (entry.mode === '100644' || entry.mode === '100755') return { is: 'file', size: entry.size };
    return { is: 'failed', why: 'it is a link or a submodule, which is not followed in a commit' };
  };
  return {
    name,
    at: (path) => `${prefix}${path}`,
    io: {
      look: (path) => {
        const mine = own(path);
        return mine === null ? nodeIo.look(path) : look(mine);
      },
      read: async (path) => {
        const mine = own(path);
        if (mine === null) return nodeIo.read(path);
        const entry = await entryOf(mine);
        if (entry === null || entry === 'root') return { failed: 'there is no such file' };
        const said = await git(shell, ['-C', root, 'cat-file', 'blob', entry.hash]);
        return said.ok ? said.out : { failed: said.why };
      },
    },
  };
};

/** `farm.yaml` or `farm`, as far as they are there. */
export const usualIn = async ({ io, at }: Revision): Promise<readonly string[]> => {
  const there = await Promise.all(['farm.yaml', 'farm'].map(async (p) => [p, (await io.look(at(p))).is] as const));
  return there.filter(([, is]) => is !== 'missing').map(([p]) => p);
};
