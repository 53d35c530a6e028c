/** The ports to the servers, opened with what the shell knows of this machine. */
import type { Control, Reader } from '../core/port.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { openControl, openReader, type TransportEnv } from '../transport/index.ts';
import type { Shell } from './shell.ts';

const transportEnv = (shell: Shell): TransportEnv => ({
  home: shell.home,
  user: shell.user,
  agent: shell.env['SSH_AUTH_SOCK'],
  passphrase: shell.env['REEVE_SSH_PASSPHRASE'],
  prompt: shell.ask,
  now: shell.now,
  random: shell.random,
});

export const readerOf = (shell: Shell, servers: readonly ServerSpec[]): Reader =>
  openReader(servers, transportEnv(shell));

export const controlOf = (shell: Shell, servers: readonly ServerSpec[]): Control =>
  openControl(servers, transportEnv(shell));
