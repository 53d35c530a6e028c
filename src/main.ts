#!/usr/bin/env node
/** argv, signals, exit code: the only file that touches `process`. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { setTimeout as after } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { exit } from './cli/exit.ts';
import { run, tellBug } from './cli/program.ts';
import type { Shell } from './cli/shell.ts';
import { openOutput } from './cli/stream-output.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { version: string };

const out = openOutput(process.stdout);
const err = openOutput(process.stderr);

const ask = (question: string, hidden: boolean): Promise<string | null> =>
  new Promise((resolve) => {
    // Readline echoes what is typed; a passphrase is swallowed here.
    let muted = false;
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!muted) err.write(chunk.toString());
        done();
      },
    });
    const lines = createInterface({ input: process.stdin, output, terminal: true });
    let answered = false;
    const end = (answer: string | null): void => {
      if (answered) return;
      answered = true;
      lines.close();
      if (answer === null || hidden) err.write('\n');
      resolve(answer);
    };
    lines.once('SIGINT', () => end(null));
    lines.once('close', () => end(null));
    lines.question(question, end);
    muted = hidden;
  });

/** Given up to a session on a server, and taken back when it ends. */
const terminal: Shell['terminal'] =
  isatty(process.stdin.fd) && isatty(process.stdout.fd)
    ? {
        input: process.stdin,
        output: process.stdout,
        type: process.env['TERM'] ?? 'xterm',
        size: () => ({ columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 }),
        onResize: (listener) => {
          process.stdout.on('resize', listener);
          return () => process.stdout.off('resize', listener);
        },
        raw: (on) => {
          process.stdin.setRawMode(on);
        },
      }
    : undefined;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const shell: Shell = {
  out,
  err,
  env: process.env,
  home: process.env['HOME'] ?? homedir(),
  user: process.env['USER'] ?? userInfo().username,
  host: hostname(),
  version,
  folder,
  now: Date.now,
  sleep: async (ms, signal) => {
    await after(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
  },
  random: (bytes) => randomBytes(bytes),
  ask: isatty(process.stdin.fd) && isatty(process.stderr.fd) ? ask : undefined,
  terminal,
  onInterrupt: (listener) => {
    for (const s of signals) process.on(s, listener);
    return () => {
      for (const s of signals) process.off(s, listener);
    };
  },
};

/** What a second Ctrl-C left behind may still hold handles: nothing of it is waited for, but for what was written. */
const end = async (code: number): Promise<never> => {
  const lost = await out.drained();
  if (lost !== null) err.write(`reeve: cannot write to standard output: ${lost}\n`);
  const unsaid = await err.drained();
  process.exit(lost === null && unsaid === null ? code : exit.error);
};

/** A bug: told as it is, behind what was written before. */
const fail = (error: unknown): void => {
  tellBug(shell, error);
  void end(exit.error);
};

process.once('uncaughtException', fail);
run(process.argv.slice(2), shell).then(end, fail);
