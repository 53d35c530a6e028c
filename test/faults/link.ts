/**
 * A controller's way to the simulated dom0s, in process: `Control` over the same texts that the transport sends, with its persistence, and with
 * one fault at one step. A step is one text that is sent to one server.
 */
import { Buffer } from 'node:buffer';
import type { Control, ExecResult, Holder, Unknown } from '../../src/core/port.ts';
import { digestBytes } from '../../src/core/digest.ts';
import type { FileStep } from '../../src/core/step.ts';
import { Off } from '../../src/sim/clock.ts';
import {
  hold as holdText,
  op as opText,
  wait as waitText,
  write as writeText,
  type Io,
} from '../../src/sim/control-texts.ts';
import type { Death, Dom0, What } from '../../src/sim/dom0.ts';
import type { InProcessFarm } from '../../src/sim/in-process.ts';
import { Stuck } from '../../src/sim/mounts.ts';
import { observe } from '../../src/sim/observe-text.ts';

/** What befalls a step. `lost`: one connection breaks. `gone`: it breaks, and stays broken for this controller. */
export type Fault =
  | { readonly is: 'lost' | 'gone' | 'killed' | 'reboot'; readonly when: 'before' | 'after' }
  /** The wrapper of the operation is killed, or all of it; `too`: the controller as well. */
  | { readonly is: 'death'; readonly death: Death; readonly too: boolean }
  /** The dom0 goes down while the operation waits for the nth time. */
  | { readonly is: 'power'; readonly at: number };

export interface FaultAt {
  readonly step: number;
  readonly fault: Fault;
}

/** One text that was sent. */
export interface Sent {
  readonly server: string;
  readonly what: What;
  readonly note: string;
  /** How often the command of an operation waited. */
  readonly waits: () => number;
}

/** Whoever decides which controller goes on; by itself, at once. */
export type Gate = (sent: Pick<Sent, 'server' | 'what' | 'note'>) => Promise<void>;

export interface Link {
  readonly control: Control;
  readonly sent: readonly Sent[];
  /** Resolves once the controller is gone: it does nothing any more. */
  readonly killed: Promise<'killed'>;
  readonly kill: () => void;
  /** Its connections break; it goes on. */
  readonly drop: (server: string) => void;
}

const dir = '/run/reeve';
const never = <T>(): Promise<T> => new Promise(() => undefined);

/** What the transport allows for a lost connection to come back, and a pause between two tries. */
const reconnectMs = 90_000;
const pauseMs = 250;

const lostWord = (server: string): Unknown => ({
  is: 'unknown',
  reason: 'lost',
  why: `${server}: the connection was lost`,
});

interface Session {
  /** Its hold sees the end of its input. */
  end(): void;
  alive: boolean;
}

interface Answer {
  readonly rc: number;
  readonly out: Buffer;
}

/** Collects what a text says. Its input: `bytes`; where there are none, beats until `session` ends. */
const ioOf = (farm: InProcessFarm, bytes: Uint8Array | undefined, ended: Promise<null>) => {
  const out: Buffer[] = [];
  let told = (): void => undefined;
  let input = Buffer.from(bytes ?? []);
  const first = (): string => {
    const end = input.indexOf(10);
    const line = input.subarray(0, end).toString();
    input = input.subarray(end + 1);
    return line;
  };
  const io: Io = {
    // A beat a second while a hold drains; it then lives until its input ends.
    line: async () => {
      if (bytes) return first();
      const held = Buffer.concat(out).toString().endsWith('OK\n');
      return held ? ended : Promise.race([ended, farm.clock.sleep(1000).then(() => 'beat')]);
    },
    rest: async () => input,
    write: (data) => {
      out.push(Buffer.from(data as Uint8Array));
      told();
    },
  };
  return {
    io,
    out,
    /** Resolves when `pattern` was said. */
    said: (pattern: RegExp): Promise<void> =>
      new Promise((resolve) => {
        told = () => {
          if (pattern.test(Buffer.concat(out).toString())) resolve();
        };
        told();
      }),
  };
};

const dayS = '86400';

/** `epoch`: of every hold that this controller takes, unless it says another. */
export const openLink = (farm: InProcessFarm, faultAt: FaultAt | null = null, gate?: Gate): Link => {
  const sent: Sent[] = [];
  const sessions = new Map<string, Session>();
  const holders = new Map<string, Holder>();
  const fencedOn = new Set<string>();
  const goneFrom = new Set<string>();
  const started = new Set<string>();
  let dead = false;
  let die = (): void => undefined;
  const killed = new Promise<'killed'>((resolve) => {
    die = () => resolve('killed');
  });
  const drop = (server: string): void => {
    sessions.get(server)?.end();
    sessions.delete(server);
  };
  const kill = (): void => {
    dead = true;
    for (const server of sessions.keys()) drop(server);
    farm.beforePower.delete(drop);
    die();
  };
  farm.beforePower.add(drop);

  const dom0Of = (server: string): Dom0 => {
    const found = farm.dom0s.get(server);
    if (found === undefined) throw new RangeError(`no server is named ${server}`);
    return found;
  };

  /** The text of a step on its dom0; `lost` where the dom0 went down meanwhile. */
  const run = async (
    server: string,
    what: What,
    args: readonly string[],
    input?: Uint8Array,
  ): Promise<Answer | 'lost'> => {
    const dom0 = dom0Of(server);
    const { clock } = dom0.world;
    let end = (): void => undefined;
    const ended = new Promise<null>((resolve) => {
      end = () => resolve(null);
    });
    const { io, out, said } = ioOf(farm, input, ended);
    const answer = (rc: number): Answer => ({ rc, out: Buffer.concat(out) });
    try {
      if (what === 'observe') {
        const seen = observe(dom0, args, true);
        await clock.during(clock.sleep(dom0.readMs + seen.ms));
        return { rc: 0, out: seen.bytes };
      }
      if (what !== 'hold') {
        const text = { op: opText, wait: waitText, write: writeText }[what];
        return answer(await text(dom0, args, io));
      }
      const session: Session = { alive: true, end: () => end() };
      const over = holdText(dom0, args, io).then((rc) => {
        session.alive = false;
        return rc;
      });
      drop(server);
      sessions.set(server, session);
      const rc = await Promise.race([over, said(/^OK$/m).then(() => null)]);
      if (rc !== null) sessions.delete(server);
      return answer(rc ?? 0);
    } catch (error) {
      if (error instanceof Off) return 'lost';
      // It sleeps on a dead export: its reader gives up some time.
      if (error instanceof Stuck) {
        await farm.clock.sleep(reconnectMs);
        return 'lost';
      }
      throw error;
    }
  };

  /** Sends a text, with what befalls it; never comes back for a controller that is gone. */
  const send = async (
    server: string,
    what: What,
    args: readonly string[],
    input?: Uint8Array,
  ): Promise<Answer | 'lost'> => {
    if (dead) return never();
    const note = what === 'op' ? args.slice(4).join(' ') : what === 'write' ? args.slice(2, 4).join(' ') : '';
    let waits = (): number => 0;
    const fault = faultAt?.step === sent.length ? faultAt.fault : null;
    sent.push({ server, what, note, waits: () => waits() });
    await gate?.({ server, what, note });
    if (dead) return never();
    if (farm.silent.has(server) || goneFrom.has(server)) return 'lost';
    const begun = (): Promise<Answer | 'lost'> => run(server, what, args, input);
    const dom0 = dom0Of(server);
    const operationOf = () => dom0.controls.get(dir)?.operations.get(args[2] ?? '');
    if (fault === null) {
      const answering = begun();
      if (what === 'op') {
        const operation = operationOf();
        waits = () => operation?.waits() ?? 0;
      }
      const answer = await answering;
      return dead ? never() : answer;
    }
    if (fault.is === 'death' || fault.is === 'power') {
      if (fault.is === 'death') dom0.faults.deaths.push(fault.death);
      const answer = await begun();
      dom0.faults.deaths.length = 0;
      if (fault.is === 'power') operationOf()?.whenWaiting(fault.at, () => dom0.world.power());
      if (fault.is === 'death' && fault.too) {
        await operationOf()?.ended;
        kill();
      }
      return dead ? never() : answer;
    }
    if (fault.is === 'killed') {
      if (fault.when === 'after') void begun();
      kill();
      return never();
    }
    if (fault.is === 'reboot') {
      if (fault.when === 'after') void begun();
      dom0.world.power();
      return 'lost';
    }
    if (fault.when === 'after') await begun();
    drop(server);
    if (fault.is === 'gone') goneFrom.add(server);
    return dead ? never() : 'lost';
  };

  /** Tries again what was lost, as long as the transport does. */
  const persist = async <T>(server: string, attempt: () => Promise<T | 'lost'>): Promise<T | Unknown> => {
    const until = farm.time.now() + reconnectMs;
    for (let pause = pauseMs; ; pause = Math.min(pause * 2, 5000)) {
      const result = await attempt();
      if (result !== 'lost') return result;
      if (farm.time.now() + pause > until) return lostWord(server);
      await farm.clock.sleep(pause);
    }
  };

  const grasp = async (
    server: string,
    who: Holder,
    again: boolean,
  ): Promise<'held' | 'fenced' | 'lost' | { readonly by: Holder | null }> => {
    const args = [dir, who.epoch, dayS, JSON.stringify(who), ...(again ? ['again'] : [])];
    const answer = await send(server, 'hold', args);
    if (answer === 'lost') return 'lost';
    const [word = '', owner = ''] = answer.out.toString().split('\n');
    if (word === 'OK' || word === 'BUSY') return sessions.get(server)?.alive === true ? 'held' : 'lost';
    const by = owner === '' ? null : (JSON.parse(owner) as Holder);
    // Our own old session, which the server has not given up yet.
    if (word === 'HELD' && by?.epoch === who.epoch) return 'lost';
    return again && word === 'FENCED' ? 'fenced' : { by };
  };

  /** Held as before, or again where nobody else had it since. */
  const ensure = async (server: string): Promise<'held' | 'fenced' | 'lost'> => {
    const who = holders.get(server);
    if (who === undefined || fencedOn.has(server)) return 'fenced';
    if (sessions.get(server)?.alive === true) return 'held';
    const got = await grasp(server, who, true);
    if (got === 'held' || got === 'lost') return got;
    fencedOn.add(server);
    return 'fenced';
  };

  const fenced = <T>(server: string, act: (epoch: string) => Promise<T | 'lost'>): Promise<T | 'fenced' | Unknown> =>
    persist<T | 'fenced'>(server, async () => {
      const have = await ensure(server);
      if (have !== 'held') return have;
      const result = await act(holders.get(server)?.epoch ?? '');
      if (result === 'fenced') fencedOn.add(server);
      return result;
    });

  const fileArgs = (step: FileStep): readonly string[] =>
    step.do === 'write' ? ['write', step.path, step.mode.toString(8)] : ['remove', step.path];

  const parseResult = (out: Buffer): ExecResult | 'lost' | 'never' => {
    const end = out.indexOf(10);
    const line = out.subarray(0, end).toString();
    if (line === 'LOST') return 'lost';
    if (line === 'NEVER') return 'never';
    const [, rc = '', bytes = ''] = /^RC (\d+) (\d+) \d+$/.exec(line) ?? [];
    const body = out.subarray(end + 1);
    return {
      rc: Number(rc),
      out: body.subarray(0, Number(bytes)).toString(),
      err: body.subarray(Number(bytes)).toString(),
    };
  };

  const release = async (): Promise<void> => {
    if (dead) return never();
    for (const server of sessions.keys()) drop(server);
    holders.clear();
  };

  let nonce = 0;
  const control: Control = {
    read: async (server, program) => {
      const word = `n${String(nonce++).padStart(15, '0')}`;
      const answer = await persist(server, () => send(server, 'observe', [word, ...program.args]));
      return 'is' in answer ? answer : program.decode(answer.out, word);
    },
    hold: async (server, who) => {
      fencedOn.delete(server);
      const got = await persist(server, async () => {
        const taken = await grasp(server, who, false);
        return taken === 'lost' ? taken : { taken };
      });
      if ('is' in got) return got;
      if (got.taken === 'held') {
        holders.set(server, who);
        return { is: 'held' };
      }
      return { is: 'busy', by: typeof got.taken === 'object' ? got.taken.by : null };
    },
    start: async (server, id, step) => {
      const seconds = String(Math.max(1, Math.ceil(step.deadlineMs / 1000)));
      const result = await fenced(server, async (epoch) => {
        const answer = await send(server, 'op', [dir, epoch, id, seconds, ...step.argv]);
        if (answer === 'lost') return answer;
        return answer.out.toString().trim().toLowerCase() as 'started' | 'already' | 'fenced';
      });
      if (result === 'started' || result === 'already') started.add(`${server}/${id}`);
      return result;
    },
    wait: async (server, id) => {
      const result = await persist(server, async () => {
        const answer = await send(server, 'wait', [dir, id]);
        return answer === 'lost' ? answer : { parsed: parseResult(answer.out) };
      });
      if ('is' in result) return result;
      return result.parsed === 'never' && started.has(`${server}/${id}`) ? 'lost' : result.parsed;
    },
    file: (server, step) =>
      fenced(server, async (epoch) => {
        const input =
          step.do === 'write'
            ? Buffer.concat([Buffer.from(`${step.onlyIf} ${digestBytes(step.bytes)}\n`), step.bytes])
            : Buffer.from(`${step.onlyIf}\n`);
        const answer = await send(server, 'write', [dir, epoch, ...fileArgs(step)], input);
        if (answer === 'lost') return answer;
        const line = answer.out.toString().trim();
        if (line === 'DONE' || line === 'DIFFERS' || line === 'FENCED')
          return line.toLowerCase() as 'done' | 'differs' | 'fenced';
        return { is: 'failed', why: `${server}: ${line.replace(/^FAILED /, '')}` } as const;
      }),
    release,
    close: async () => {
      await release();
      farm.beforePower.delete(drop);
    },
  };
  return { control, sent, killed, kill, drop };
};
