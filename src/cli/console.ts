/** `reeve console`: finds the server where a VM runs, and joins this terminal to its console there. */
import { badName } from '../core/name.ts';
import { isUnknown, unreadCode, type Reader } from '../core/port.ts';
import type { Farm } from '../kinds/farm.ts';
import { identified } from '../kinds/server/identity.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { match, type Found } from '../plan/index.ts';
import { clean } from '../report/text.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { openConsole } from '../transport/index.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { defaultReadTimeout, type CommonFlags, type SourceFlags } from './options.ts';
import { readerOf, transportEnv } from './outside.ts';
import { whileReading } from './pipeline.ts';
import { say, type Shell } from './shell.ts';

/** The short reading is enough: who runs where. */
const look = async (shell: Shell, farm: Farm, reader: Reader, readTimeout: number): Promise<Observed> => {
  const servers = farm.pools.flatMap((p) => p.servers);
  const until = shell.now() + readTimeout;
  const answers = servers.map(
    async ({ name }) => [name, await reader.read(name, xl.reading('domains', []), until)] as const,
  );
  return identified(servers, farm.name, new Map(await whileReading(shell, servers.length, Promise.all(answers))));
};

/** Those that `vm` can mean: the VM of this key in the file, or else whatever has this name. */
const candidates = (farm: Farm, observed: Observed, vm: string): readonly Found[] => {
  const matched = match(farm, observed, []);
  const mine = matched.of.get(vm);
  if (mine?.is === 'matched') return [mine.found];
  return match({ ...farm, vms: [] }, observed, []).left.filter((f) => f.name === vm || f.marker?.vm === vm);
};

interface Place {
  readonly name: string;
  readonly server: ServerSpec;
}

/** Throws an `ExitError` where there is not exactly one that runs. */
const placeOf = (farm: Farm, observed: Observed, vm: string): Place => {
  const servers = farm.pools.flatMap((p) => p.servers);
  const all = candidates(farm, observed, vm);
  const [found, other] = all.filter((f) => f.live.domain !== null);
  if (found && other)
    throw new ExitError(exit.error, `${vm} runs more than once: on ${found.server} and on ${other.server}`);
  const server = servers.find((s) => s.name === found?.server);
  if (found && server) return { name: found.name, server };
  const unread = servers.filter((s) => !seenOn(observed, s.name)).map((s) => s.name);
  if (unread.length > 0) {
    const whys = unread.map((s) => observed.get(s)).filter(isUnknown);
    throw new ExitError(
      exit.unread,
      `${vm} was not seen running, and ${unread.join(', ')} could not be read`,
      whys.map((u) => u.why).join('; '),
      unreadCode(whys[0]),
    );
  }
  const [stopped] = all;
  throw new ExitError(
    exit.error,
    stopped ? `${vm} does not run: only its cfg is there, on ${stopped.server}` : `no server has a VM ${vm}`,
    '`reeve status` shows what is there',
  );
};

export type ConsoleFlags = CommonFlags & Pick<SourceFlags, 'readTimeout'>;

/** `vm`: its key in the file, or the name of one that the file does not name. */
export const console = async (
  shell: Shell,
  vm: string,
  paths: readonly string[],
  flags: ConsoleFlags,
): Promise<ExitCode> => {
  const { terminal } = shell;
  if (!terminal) throw new ExitError(exit.error, 'a console needs a terminal, and there is none');
  const farm = await load(shell, paths, flags);
  const reader = await readerOf(shell, farm, {});
  let place: Place;
  try {
    place = placeOf(farm, await look(shell, farm, reader, flags.readTimeout ?? defaultReadTimeout), vm);
  } finally {
    await reader.close();
  }
  const { name, server } = place;
  const bad = badName(name, 'VM');
  if (bad !== null) throw new ExitError(exit.error, `${clean(name)}: ${bad}`);
  const ended = await openConsole(server, transportEnv(shell), xl.console(name), terminal, () => {
    say(shell.err, `Connected to ${name} on ${server.name}; Ctrl-] leaves.`);
  });
  if (isUnknown(ended)) throw new ExitError(exit.error, ended.why, ended.help, ended.reason);
  shell.err.write(`\nLeft ${clean(name)}.\n`);
  return ended === 0 ? exit.done : exit.error;
};
