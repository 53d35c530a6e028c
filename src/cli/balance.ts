/** `reeve balance POOL`: the moves that make it most even, as a plan. Changes nothing. */
import type { PlanVm } from '../kinds/plan.ts';
import { balanceOf, balanced, makePlan, planWith } from '../plan/index.ts';
import { count } from '../report/text.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { planOptionsOf, type PlanFlags } from './options.ts';
import { readerOf } from './outside.ts';
import { checkPools, codeOf, readAndPlan, toolsOf } from './pipeline.ts';
import { present, savedAt, tellSaved } from './present.ts';
import { namedByFarm, secretsToCompare } from './secrets.ts';
import type { Shell } from './shell.ts';

export interface BalanceFlags extends PlanFlags {
  readonly maxMoves: number;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

export const maxMoves = (value: string): number => {
  const n = Number(value);
  if (Number.isInteger(n) && n > 0) return n;
  throw new ExitError(exit.error, `--max-moves ${value}: a whole number from 1 on is wanted`);
};

export const balance = async (
  shell: Shell,
  pool: string,
  paths: readonly string[],
  flags: BalanceFlags,
): Promise<ExitCode> => {
  const farm = await load(shell, paths, flags);
  checkPools(farm, [pool]);
  const options = { ...planOptionsOf(flags), pools: [pool] };
  const reader = await readerOf(shell, farm, flags);
  try {
    const secrets = await secretsToCompare(shell, namedByFarm(farm, options));
    const tools = toolsOf(shell, secrets);
    const { found, plan: planned } = await readAndPlan(shell, farm, { options, reader, from: flags }, (observed) => {
      const now = planWith(farm, observed, options, tools);
      const placed = now.pools.find((p) => p.scene.pool.name === pool);
      const even = placed ? balanceOf(placed, flags.maxMoves) : null;
      if (!even || even.moves.length === 0) return { found: even, plan: now.plan };
      const targets = even.moves.map((m) => m.vm);
      return { found: even, plan: makePlan(balanced(farm, even.moves), observed, { ...options, targets }, tools) };
    });
    if (!found) return codeOf(planned, exit.done);
    if (found.moves.length === 0) {
      shell.out.write(
        `Nothing to do: no move would make pool ${pool} more even (fullest and emptiest server are ${percent(found.spread)} apart).\n`,
      );
      return codeOf(planned, exit.done);
    }
    const moved = (v: PlanVm): PlanVm => (v.placed === null ? v : { ...v, placed: `pool ${pool} is more even then` });
    const plan = { ...planned, vms: planned.vms.map(moved) };
    await present(shell, plan, flags, { paths: null });
    shell.err.write(
      `${count(found.moves.length, 'move')}: fullest and emptiest server are ${percent(found.spread)} apart now, and ${percent(found.after)} then.\n`,
    );
    tellSaved(shell, plan, flags);
    if (savedAt(flags) === undefined) shell.err.write('To do it: add --out plan.json, and apply that.\n');
    return codeOf(plan, exit.done);
  } finally {
    await reader.close();
  }
};
