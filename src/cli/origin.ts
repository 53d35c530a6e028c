/** Which commit of which repository the farm's files are, asked of git where Reeve runs; no git, no commit. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Origin } from '../kinds/server/journal.ts';
import type { Shell } from './shell.ts';

const askMs = 10_000;

/** What it prints, or null where it fails. Nothing is written, and a repository's settings start no monitor. */
const git = (shell: Shell, folder: string, argv: readonly string[]): Promise<string | null> =>
  new Promise((done) => {
    const env = { ...shell.env, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' };
    const all = ['-C', folder, '-c', 'core.fsmonitor=false', ...argv];
    execFile('git', all, { env, timeout: askMs }, (error, out) => done(error ? null : out.trim()));
  });

/** Where nobody named a path. */
const usual = ['farm.yaml', 'farm'];

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
};

/** `paths`: of the farm's files. Never rejects. */
export const originOf = async (shell: Shell, paths: readonly string[]): Promise<Origin> => {
  const named = (paths.length === 0 ? usual : paths).map((p) => resolve(p));
  const first = named[0] ?? '/';
  const folder = (await isFolder(first)) ? first : dirname(first);
  const commit = await git(shell, folder, ['rev-parse', '--verify', 'HEAD']);
  if (commit === null) return { commit: null, dirty: false, plan: null };
  // A path of another repository is no part of the commit either: git fails.
  const changed = await git(shell, folder, ['status', '--porcelain', '--', ...named]);
  return { commit, dirty: changed !== '', plan: null };
};
