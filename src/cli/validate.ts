/** `reeve validate`: is the file right? No network. */
import { loadFarm } from '../config/index.ts';
import { nodeIo } from '../config/node-io.ts';
import { count } from '../report/text.ts';
import { exit, type ExitCode } from './exit.ts';
import { diagnosticsJson, load } from './load.ts';
import type { CommonFlags } from './options.ts';
import { say, type Shell } from './shell.ts';

export interface ValidateFlags extends CommonFlags {
  readonly json: boolean;
}

/** All that is wrong, as data; exit code 3 where something is. */
const asData = async (shell: Shell, paths: readonly string[]): Promise<ExitCode> => {
  const loaded = await loadFarm(paths, nodeIo);
  const diagnostics = diagnosticsJson(loaded.ok ? loaded.warnings : loaded.diagnostics);
  shell.out.write(`${JSON.stringify({ format: 'reeve-validate/1', valid: loaded.ok, diagnostics }, null, 2)}\n`);
  return loaded.ok ? exit.done : exit.invalid;
};

export const validate = async (shell: Shell, paths: readonly string[], flags: ValidateFlags): Promise<ExitCode> => {
  if (flags.json) return asData(shell, paths);
  const farm = await load(shell, paths, flags);
  const servers = farm.pools.reduce((n, p) => n + p.servers.length, 0);
  say(
    shell.out,
    `Farm ${farm.name} is valid: ${count(farm.pools.length, 'pool')}, ${count(servers, 'server')}, ${count(farm.vms.length, 'VM')}.`,
  );
  return exit.done;
};
