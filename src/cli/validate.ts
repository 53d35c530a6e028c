/** `reeve validate`: is the file right? No network. */
import { clean, count } from '../report/text.ts';
import { exit, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import type { CommonFlags } from './options.ts';
import type { Shell } from './shell.ts';

export const validate = async (shell: Shell, paths: readonly string[], flags: CommonFlags): Promise<ExitCode> => {
  const farm = await load(shell, paths, flags);
  const servers = farm.pools.reduce((n, p) => n + p.servers.length, 0);
  shell.out.write(
    `Farm ${clean(farm.name)} is valid: ${count(farm.pools.length, 'pool')}, ${count(servers, 'server')}, ${count(farm.vms.length, 'VM')}.\n`,
  );
  return exit.done;
};
