/** `reeve explain VM`: why it is where it is, and what each change would cost. Changes nothing. */
import { accountOf, planWith } from '../plan/index.ts';
import { renderAccount } from '../report/account.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { planOptionsOf, type MakeFlags } from './options.ts';
import { readerOf } from './outside.ts';
import { readAndPlan, toolsOf } from './pipeline.ts';
import { namedByFarm, secretsToCompare } from './secrets.ts';
import { lookOf, type Shell } from './shell.ts';

export interface ExplainFlags extends MakeFlags {
  readonly json: boolean;
}

export const explain = async (
  shell: Shell,
  vm: string,
  paths: readonly string[],
  flags: ExplainFlags,
): Promise<ExitCode> => {
  const farm = await load(shell, paths, flags);
  const spec = farm.vms.find((v) => v.key === vm) ?? farm.vms.find((v) => v.name === vm);
  if (!spec)
    throw new ExitError(
      exit.error,
      `the file has no VM ${vm}`,
      `it has ${
        farm.vms
          .slice(0, 12)
          .map((v) => v.key)
          .join(', ') || 'none'
      }`,
    );
  const options = { ...planOptionsOf(flags), pools: [spec.pool] };
  const reader = await readerOf(shell, farm, flags);
  try {
    const secrets = await secretsToCompare(shell, namedByFarm(farm, options));
    const tools = toolsOf(shell, secrets);
    const { observed, ...planned } = await readAndPlan(shell, farm, { options, reader, from: flags }, (seen) =>
      planWith(farm, seen, options, tools),
    );
    const account = accountOf(planned, observed, spec.key);
    if (!account) throw new ExitError(exit.error, `nothing is known of ${vm}`);
    shell.out.write(
      flags.json
        ? `${JSON.stringify(account, null, 2)}\n`
        : renderAccount(account, lookOf(shell, shell.out, flags.color)),
    );
    return exit.done;
  } finally {
    await reader.close();
  }
};
