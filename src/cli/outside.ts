/** The ports to the servers and to the network, opened with what the shell knows of this machine. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import type { World } from '../apply/index.ts';
import type { Control, Reader } from '../core/port.ts';
import { formatDuration } from '../core/quantity.ts';
import type { Farm } from '../kinds/farm.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import {
  openControl,
  openReader,
  openReplay,
  parseSnapshot,
  readUserFile,
  type TransportEnv,
} from '../transport/index.ts';
import { exit, ExitError } from './exit.ts';
import type { SourceFlags } from './options.ts';
import { say, type Shell } from './shell.ts';

export const transportEnv = (shell: Shell): TransportEnv => ({
  home: shell.home,
  user: shell.user,
  agent: shell.env['SSH_AUTH_SOCK'],
  passphrase: shell.env['REEVE_SSH_PASSPHRASE'],
  prompt: shell.ask,
  now: shell.now,
  random: shell.random,
});

/** Bytes: a plan or a snapshot of the largest farms. */
const largestDocument = 512 * 1024 * 1024;

/** A plan or a snapshot. Throws an `ExitError` (1) where it cannot be read. */
export const textOfFile = async (path: string): Promise<string> => {
  const read = await readUserFile(path, largestDocument);
  if (read.is === 'missing') throw new ExitError(exit.error, `${path} cannot be read: there is no such file`);
  if (read.is === 'odd') throw new ExitError(exit.error, `${path} cannot be read: it ${read.why}`);
  return read.bytes.toString('utf8');
};

const replayOf = async (shell: Shell, farm: Farm, path: string): Promise<Reader> => {
  const snapshot = parseSnapshot(await textOfFile(path));
  if (typeof snapshot === 'string')
    throw new ExitError(exit.invalid, `${path}: ${snapshot}`, 'make it anew with `reeve snapshot --out`');
  if (snapshot.farm !== farm.name)
    throw new ExitError(exit.invalid, `${path} is of farm ${snapshot.farm}; this file describes ${farm.name}`);
  say(shell.err, `From a snapshot of ${snapshot.at}: what has happened since is not in it.`);
  return openReplay(snapshot);
};

/** All servers of the farm, live or as they were. Throws an `ExitError` for a file that is no snapshot of this farm. */
export const readerOf = async (shell: Shell, farm: Farm, from: SourceFlags): Promise<Reader> => {
  if (from.fromSnapshot !== undefined) return replayOf(shell, farm, from.fromSnapshot);
  return openReader(
    farm.pools.flatMap((p) => p.servers),
    transportEnv(shell),
  );
};

export const controlOf = (shell: Shell, servers: readonly ServerSpec[]): Control =>
  openControl(servers, transportEnv(shell));

/** Whether something takes a connection there within so long; never rejects. */
export const probe = (host: string, port: number, timeoutMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answers: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answers);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

/** A file of this machine, for uploads. */
export const localFile: (path: string) => ReturnType<World['local']> = async (path) => {
  try {
    const handle = await open(path, 'r');
    const { size } = await handle.stat();
    return {
      size,
      read: async (offset, length) => {
        const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
        return buffer.subarray(0, bytesRead);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    return { why: (error as Error).message };
  }
};

/** An hour is more than any snapshot takes. */
const commandMs = 3_600_000;

/** A command line of the file, by the shell of this machine; what it prints is kept for messages. */
export const command: World['command'] = (line, limitMs = commandMs) =>
  new Promise((resolve) => {
    const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe'] });
    const parts: Buffer[] = [];
    const end = (rc: number, said = Buffer.concat(parts).toString()): void => {
      clearTimeout(timer);
      resolve({ rc, out: said });
    };
    // What the shell has started may outlive it and keep the pipes open: they are not waited for.
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      end(137, `it did not end within ${formatDuration(limitMs)}`);
    }, limitMs);
    child.stdout.on('data', (d: Buffer) => parts.push(d));
    child.stderr.on('data', (d: Buffer) => parts.push(d));
    child.once('error', (error) => end(127, error.message));
    child.once('close', (code) => end(code ?? 137));
  });

/** For its owner alone, also where the file was there before: it tells all about the servers. Throws an `ExitError`. */
export const writePrivate = async (path: string, text: string): Promise<void> => {
  try {
    const file = await open(path, 'w', 0o600);
    try {
      if ((await file.stat()).isFile()) await file.chmod(0o600);
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new ExitError(exit.error, `${path} cannot be written: ${(error as Error).message}`);
  }
};
