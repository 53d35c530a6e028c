/** An interactive session on one server: the person's terminal is joined to a command there until that command ends. */
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { isUnknown, type Unknown } from '../core/port.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import type { TransportEnv } from './env.ts';
import { openServers } from './server.ts';
import { consoleText } from './texts.ts';
import { lost, unknown } from './unknown.ts';

/** The terminal that a person sits at. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
  /** TERM. */
  readonly type: string;
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Returns what ends it. */
  readonly onResize: (listener: () => void) => () => void;
  /** Each key is passed on as it is, Ctrl-C too. */
  readonly raw: (on: boolean) => void;
}

/** `address: local`: the command gets the terminal itself. */
const openHere = (spec: ServerSpec, env: TransportEnv, argv: readonly string[]): Promise<number | Unknown> => {
  const sudo = spec.ssh.sudo ?? env.user !== 'root';
  const [command = '', ...args] = sudo ? ['sudo', '-n', ...argv] : argv;
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.once('error', (error) =>
      resolve(unknown('permission', `${spec.name} (local): ${command} cannot be started: ${error.message}`)),
    );
    child.once('close', (rc) => resolve(rc ?? 1));
  });
};

/**
 * Runs `argv` (the toolstack's own line for a console, nothing else) with a pseudo-terminal and resolves to its exit code
 * when it ends. `connected` is called once it runs, before anything of it is shown.
 */
export const openConsole = async (
  spec: ServerSpec,
  env: TransportEnv,
  argv: readonly string[],
  terminal: Terminal,
  connected: () => void,
): Promise<number | Unknown> => {
  if (spec.address === 'local') {
    connected();
    return openHere(spec, env, argv);
  }
  const servers = openServers([spec], env);
  try {
    const server = servers.get(spec.name);
    const { columns, rows } = terminal.size();
    const channel = await server.open('console', consoleText, argv, { type: terminal.type, columns, rows });
    if (isUnknown(channel)) return channel;
    connected();
    channel.stdin.on('error', () => {
      // The channel's end says it.
    });
    const off = terminal.onResize(() => {
      const now = terminal.size();
      channel.resize(now.columns, now.rows);
    });
    terminal.raw(true);
    terminal.input.pipe(channel.stdin);
    channel.stdout.pipe(terminal.output, { end: false });
    channel.stderr.pipe(terminal.output, { end: false });
    try {
      const ended = await channel.ended;
      return ended === 'lost' ? lost(server.label, 'in the middle of the session') : (ended.rc ?? 1);
    } finally {
      off();
      terminal.input.unpipe(channel.stdin);
      terminal.input.pause();
      terminal.raw(false);
    }
  } finally {
    await servers.close();
  }
};
