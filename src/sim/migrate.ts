/** `xl migrate [-s SSH] DOM HOST`: the near end, step by step, with what is left at both ends wherever it breaks. */
import { Off } from './clock.ts';
import { coldConfig, resume, suspend, takeDown } from './lives.ts';
import * as words from './migrate-words.ts';
import type { Peer } from './peers.ts';
import { failed, said, type Program, type Result, type Running } from './process.ts';
import { complete, discard, receive, start, take, type Incoming, type Refusal } from './receive.ts';
import { routeTo, type Route } from './ssh-keys.ts';
import { behaviourOf, draw, findDomain, type Domain, type World } from './world.ts';

const usage: Result = {
  rc: 2,
  out: 'Usage: xl [-vtTf] migrate [options] <Domain> <host>\n\nMigrate a domain to another host.\n\n',
  err: "'xl migrate' requires at least 2 arguments.\n\n",
};

/** The rounds in which memory is copied. */
const rounds = 8;

/** How long xl waits for a guest to suspend itself. */
const suspendMs = 60_000;

/** ms after which TCP itself gives a silent peer up. */
const tcpMs = 900_000;

/** How far it has come decides what a break leaves behind. */
type Stage = 'copy' | 'suspended' | 'permitted';

interface Journey {
  readonly world: World;
  readonly process: Running;
  readonly route: Route;
  readonly peer: Peer;
  readonly domain: Domain;
  readonly name: string;
  readonly pid: number;
  stage: Stage;
  incoming: Incoming | null;
  told: string;
}

/** The other end is not there any more. */
class Broken extends Error {}

const there = (j: Journey, ms: number): Promise<boolean> =>
  j.peer.world.clock.during(j.peer.world.clock.sleep(ms)).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Off) return false;
      throw error;
    },
  );

/** Waits for the other end in small steps: on a virtual clock, time would else jump to whatever is due here next. */
const until = async <T>({ process }: Journey, far: Promise<T>): Promise<T> => {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  far.then(settle, settle);
  while (!state.settled) await process.sleep(1);
  return far;
};

/** Time passes at both ends; it throws where the far one is cut off or goes down meanwhile. */
const pass = async (j: Journey, ms: number): Promise<void> => {
  const far = there(j, ms);
  await j.process.sleep(ms);
  const alive = await until(j, far);
  if (alive && j.peer.answers()) return;
  // One whose machine went says nothing: only ssh's own questions find that out.
  if (!alive) {
    await j.process.sleep(j.route.patience ?? tcpMs);
    j.told += `Timeout, server ${j.peer.world.server.address ?? j.peer.world.server.name} not responding.\r\n`;
  } else
    j.told += `Connection to ${j.peer.world.server.address ?? j.peer.world.server.name} closed by remote host.\r\n`;
  throw new Broken();
};

/**
 * The far end finds itself alone. Where it can still say so it takes its copy away; where its connection was torn down it
 * dies of saying it, and a copy that is whole stays, paused and watched [L]. What has its permission needs nobody to use it.
 */
const abandon = ({ incoming, stage, name }: Journey, torn: boolean): void => {
  if (incoming === null) return;
  const { world } = incoming;
  world.clock.after(draw(world, 'migrateLost'), () => {
    if (stage === 'permitted') start(incoming, name);
    else if (stage === 'copy' || !torn) void discard(incoming);
    else if (!incoming.domain.built && complete(incoming) !== null) void discard(incoming);
  });
};

const transport = (j: Journey, code: number): string => words.transportEnded(j.pid, code);

/** Nothing runs at the far end: the guest goes on here, and whether it still has its monitor depends on the stage. */
const backHome = (j: Journey, code: number): Result => {
  const { domain } = j;
  if (j.stage === 'copy') return failed(1, j.told + words.notSuspended(domain.domid, j.pid + 1, transport(j, code)));
  resume(j.world, domain);
  return failed(1, j.told + words.resuming(transport(j, code)));
};

const refused = (j: Journey, { words: why, code }: Refusal): Result => {
  if (j.incoming !== null) void discard(j.incoming);
  j.told += why + words.unmade(code);
  return backHome(j, 1);
};

const unsuspended = (j: Journey, why: string): Result => {
  const { incoming } = j;
  if (incoming !== null) void discard(incoming);
  const far = incoming === null ? '' : words.cutShort(incoming.domain.domid) + words.unmade(-3);
  return failed(1, j.told + why + far + transport(j, 1) + words.failedToSuspend);
};

const runs = (world: World, d: Domain): boolean => world.domains.get(d.domid) === d && !d.leaving && d.ended === null;

/** The guest suspends itself; false where it does not: it is paused, deaf, or has ended meanwhile. */
const suspended = async (j: Journey): Promise<boolean> => {
  const { world, domain } = j;
  const willing = (): boolean =>
    domain.booted && !domain.paused && behaviourOf(world, domain).shutdown !== 'deaf' && !domain.stubborn;
  for (let waited = 0; runs(world, domain) && !willing() && waited < suspendMs; waited += 1000) await pass(j, 1000);
  if (!runs(world, domain) || !willing()) return false;
  suspend(world, domain);
  return true;
};

/** The copy while it runs, then the rest of it; null: all of it is there. */
const copy = async (j: Journey, incoming: Incoming): Promise<Refusal | 'unsuspended' | null> => {
  for (let round = 1; round <= rounds; round += 1) {
    await pass(j, draw(j.world, 'migrateCopy'));
    const refusal = take(incoming, Math.floor((j.domain.actualKiB * round) / rounds));
    if (refusal !== null) return refusal;
    // It keeps sending, and the guest keeps writing.
    if (incoming.world.migrationFault === 'hangs') round = 0;
  }
  if (!(await suspended(j))) return 'unsuspended';
  j.stage = 'suspended';
  const { domain } = incoming;
  const { booted, wantVcpus, onlineVcpus, pluggedVcpus, stubborn } = j.domain;
  Object.assign(domain, { booted, wantVcpus, onlineVcpus, pluggedVcpus, stubborn, moved: booted });
  return take(incoming, j.domain.actualKiB);
};

/** From the moment at which the source is suspended and the target whole: a few messages, any of which may be the last. */
const handOver = async (j: Journey, incoming: Incoming): Promise<Result> => {
  const { world, peer, domain, name } = j;
  const fault = incoming.world.migrationFault;
  await pass(j, draw(world, 'hotplug'));
  const refusal = complete(incoming);
  if (refusal !== null) return refused(j, refusal);
  if (fault === 'cut') {
    j.told += words.restored;
    throw new Broken();
  }
  j.told += words.restored + words.acknowledged;
  domain.name = `${name}--migratedaway`;
  j.stage = 'permitted';
  await pass(j, draw(world, 'migrateTalk'));
  j.told += words.permitted;
  // What the target cannot do after all it takes back, and says so: the guest goes on here.
  if (fault === 'fails-at-target' || !start(incoming, name)) {
    j.told += words.nameTakenHere(incoming.domain.domid, name);
    // It says so only once its copy is gone.
    const removed = peer.world.clock.during(discard(incoming));
    await pass(j, draw(world, 'migrateTalk'));
    await until(j, removed);
    domain.name = name;
    resume(world, domain);
    return failed(1, j.told + words.refusedAtTarget(6));
  }
  await pass(j, draw(world, 'migrateTalk'));
  if (fault === 'undefined') {
    j.told += words.startedThere;
    throw new Broken();
  }
  await new Promise<void>((resolve) => takeDown(world, domain, resolve));
  return said('', j.told + words.started);
};

const travel = async (j: Journey): Promise<Result> => {
  const { world, domain, peer } = j;
  await pass(j, draw(world, 'migrateConnect'));
  j.told += words.begun(domain.domid, domain.type, 1220);
  const config = coldConfig(domain);
  const incoming = receive(peer.world, config);
  if (!('domain' in incoming)) return refused(j, incoming);
  j.incoming = incoming;
  copyBehaviour(j);
  // Debian's Xen has no shadow paging, and nothing else tells which pages a PV guest writes.
  if (domain.type === 'pv' && !(world.server.virtCaps ?? '').split(/\s+/).includes('shadow')) {
    await pass(j, draw(world, 'migrateTalk'));
    return unsuspended(j, words.restoring('pv') + words.logdirty(domain.domid));
  }
  j.told += words.restoring(domain.type);
  const stopped = await copy(j, incoming);
  if (stopped === 'unsuspended') return unsuspended(j, words.saveFailed(domain.domid, 'Connection timed out'));
  return stopped === null ? handOver(j, incoming) : refused(j, stopped);
};

/** How the guest behaves it takes along; what a test says of it at the target counts first. */
const copyBehaviour = ({ world, peer, name }: Journey): void => {
  const theirs = peer.world.behaviours.get(name);
  peer.world.behaviours.set(name, { ...world.behaviours.get(name), ...theirs });
};

interface Asked {
  readonly command: string | undefined;
  readonly words: readonly string[];
}

const asked = (args: readonly string[]): Asked => {
  let command: string | undefined;
  const rest: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const word = args[i] ?? '';
    if (word === '-s') command = args[(i += 1)] ?? '';
    else if (word === '-C') i += 1;
    else if (!word.startsWith('-')) rest.push(word);
  }
  return { command, words: rest };
};

export const migrate: Program = async (world, process, args) => {
  const { command, words: given } = asked(args);
  const [word, host] = given;
  if (word === undefined || host === undefined) return usage;
  const domain = findDomain(world, word);
  if (domain === undefined)
    return /^\d+$/.test(word)
      ? failed(
          1,
          `libxl: error: libxl_dom.c:1216:libxl__userdata_path: unable to find domain info for domain ${word}: Inappropriate ioctl for device\nunable to retrieve domain configuration\n`,
        )
      : failed(1, `${word} is an invalid domain identifier (rc=-6)\n`);
  const pid = (world.nextPid += 3);
  const route = routeTo(world, command, host);
  if (route.peer === null) {
    await process.sleep(draw(world, 'migrateConnect'));
    return failed(1, route.words + words.noTransport(pid, route.code));
  }
  const journey: Journey = {
    world,
    process,
    route,
    peer: route.peer,
    domain,
    name: domain.name ?? domain.config.name,
    pid,
    stage: 'copy',
    incoming: null,
    told: route.words,
  };
  process.whenKilled(() => abandon(journey, false));
  try {
    return await travel(journey);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    abandon(journey, true);
    if (journey.stage === 'permitted')
      return failed(1, journey.told + words.undefinedState(words.transportEnded(pid, 255)));
    return backHome(journey, 255);
  }
};
