/** `reeve release`: gives a VM back. Its marker goes, the VM is not touched, and Reeve leaves it alone from then on. */
import { seenOn } from '../kinds/server/live.ts';
import { releasePlan } from '../plan/index.ts';
import { carryOut } from './carry-out.ts';
import { confirm } from './confirm.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import type { CommonFlags, SourceFlags } from './options.ts';
import { originOf } from './origin.ts';
import { controlOf } from './outside.ts';
import { readFarm, show, toolsOf } from './pipeline.ts';
import { waitingFor } from './waiting.ts';
import type { Shell } from './shell.ts';

export interface ReleaseFlags extends CommonFlags, Pick<SourceFlags, 'readTimeout'> {
  readonly yes: boolean;
}

/** `vm`: its key in the file, which need not name it any more. */
export const release = async (
  shell: Shell,
  vm: string,
  paths: readonly string[],
  flags: ReleaseFlags,
): Promise<ExitCode> => {
  const farm = await load(shell, paths, flags);
  const origin = originOf(shell, paths);
  const servers = farm.pools.flatMap((p) => p.servers);
  const secrets = new Map<string, string>();
  const control = controlOf(shell, servers);
  try {
    const observed = await readFarm(shell, farm, [], control, { ...flags, waited: waitingFor(shell, control) });
    const plan = releasePlan(farm, observed, vm, toolsOf(shell, secrets));
    if (!('format' in plan)) {
      const blind = servers.some((s) => !seenOn(observed, s.name));
      throw new ExitError(
        blind ? exit.unread : exit.refused,
        `${plan.what}, but ${plan.why}`,
        plan.help ?? undefined,
        plan.code,
      );
    }
    show(shell, plan, flags);
    await confirm(shell, plan, flags.yes);
    return await carryOut(shell, plan, { control, secrets, origin }, flags, shell.out);
  } finally {
    await control.close();
  }
};
