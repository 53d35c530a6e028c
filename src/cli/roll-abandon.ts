/** `reeve roll POOL --abandon`: a roll that broke off is forgotten; what it left half done is told, and nothing else is touched. */
import { errandsOf } from '../apply/index.ts';
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import { identified } from '../kinds/server/identity.ts';
import { isTreated, rollOptions, rollPath, stageText } from '../kinds/server/roll.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import { match, rollIn, runningOf } from '../plan/index.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { holder, type Means } from './carry-out.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import type { CommonFlags, SourceFlags } from './options.ts';
import { readFarm } from './pipeline.ts';
import { say, type Shell } from './shell.ts';

type Flags = CommonFlags & Pick<SourceFlags, 'readTimeout'> & { readonly yes: boolean };

/** VMs that the file wants to run, and that are down on a server under treatment. */
const downOn = (farm: Farm, observed: Observed, servers: ReadonlySet<string>): readonly string[] =>
  [...match(farm, observed, []).of].flatMap(([key, m]) => {
    const down = m.is === 'matched' && !m.found.live.domain && servers.has(m.found.server);
    return down && farm.vms.some((v) => v.key === key && v.rides && v.state === 'running') ? [key] : [];
  });

const tellLeft = (shell: Shell, farm: Farm, pool: PoolSpec, observed: Observed): void => {
  const seen = rollIn(pool, observed);
  const treated = new Set(seen?.stages.flatMap((s) => (isTreated(s) ? [s.server] : [])));
  const down = downOn(farm, observed, treated);
  if (down.length > 0) say(shell.out, `${down.join(', ')} rode along and is down: reeve apply starts it.`);
  const running = runningOf(farm, observed);
  const away = pool.servers.flatMap(({ name }) =>
    (seenOn(observed, name)?.roll?.homes ?? []).filter((key) => running.has(key) && running.get(key)?.server !== name),
  );
  if (away.length > 0) say(shell.out, `Not where they were when the roll began: ${away.join(', ')}.`);
};

export interface AbandonAsked {
  readonly shell: Shell;
  readonly farm: Farm;
  readonly pool: PoolSpec;
  readonly flags: Flags;
}

export const abandon = async (
  { shell, farm, pool, flags }: AbandonAsked,
  { control, origin }: Pick<Means, 'control' | 'origin'>,
): Promise<ExitCode> => {
  const observed = await readFarm(shell, farm, [pool.name], control, flags);
  const seen = rollIn(pool, observed);
  const marked = pool.servers.filter((s) => seenOn(observed, s.name)?.roll);
  const unread = pool.servers.filter((s) => s.state === 'active' && !seenOn(observed, s.name)).map((s) => s.name);
  if (!seen) {
    say(shell.out, `No server of pool ${pool.name} remembers a roll.`);
    if (unread.length === 0) return exit.done;
    throw new ExitError(
      exit.unread,
      `${unread.join(', ')} could not be read`,
      'run it again when it answers',
      'not-asked',
    );
  }
  const { record, stages } = seen;
  say(shell.out, `The roll of ${record.roll}, begun by ${record.by}: ${rollOptions(record)}`);
  for (const { server, stage } of stages) say(shell.out, `  ${server} ${stageText[stage]}`);
  if (!flags.yes) {
    const answer = shell.ask ? await shell.ask('\nGive it up? [y/N] ', false) : null;
    if (!/^y(es)?$/i.test(answer?.trim() ?? ''))
      throw new ExitError(
        exit.error,
        'nothing was changed',
        shell.ask ? undefined : 'add --yes to give it up without being asked',
        'not-confirmed',
      );
  }
  const errands = errandsOf({
    control,
    toolstack: xl,
    clock: { now: shell.now, sleep: shell.sleep },
    who: holder(shell),
    tool: shell.version,
    origin: await origin,
    identify: (server, x) => identified(pool.servers, farm.name, new Map([[server, x]])).get(server) ?? x,
  });
  for (const { name } of marked) {
    const undone = await errands.run(name, 'unmark', { do: 'remove', path: rollPath, onlyIf: 'any' });
    if (undone) throw new ExitError(exit.error, `${name}: ${undone.why}`, undone.help, undone.code);
  }
  say(shell.out, `Given up: no server of pool ${pool.name} that was read remembers it any more.`);
  tellLeft(shell, farm, pool, observed);
  if (unread.length === 0) return exit.done;
  throw new ExitError(
    exit.unread,
    `${unread.join(', ')} could not be read, and may remember it`,
    'run it again when it answers',
    'not-asked',
  );
};
