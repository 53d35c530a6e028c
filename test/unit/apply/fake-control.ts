/** Dom0s in memory behind `Control`, with a virtual clock and a toolstack of a few plain commands. */
import { isVmOp } from '../../../src/kinds/operations.ts';
import { noStorage } from '../../../src/kinds/repository/live.ts';
import { type Control, type ExecResult, type Holder, type Unknown, readProgram } from '../../../src/core/port.ts';
import { digestBytes } from '../../../src/core/digest.ts';
import type { Condition, ExecStep, Lowered } from '../../../src/core/step.ts';
import type { Clock } from '../../../src/apply/world.ts';
import type { Op } from '../../../src/kinds/plan.ts';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Toolstack } from '../../../src/kinds/toolstack.ts';
import type { CfgRecord, Domain } from '../../../src/kinds/vm/live.ts';

/** Time passes only when nothing else is left to do: then the earliest sleeper wakes. */
export const virtualClock = (): Clock => {
  let time = Date.UTC(2026, 0, 1);
  let pumping = false;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const pump = (): void => {
    const next = sleepers.reduce<(typeof sleepers)[number] | null>((a, b) => (a && a.at <= b.at ? a : b), null);
    pumping = next !== null;
    if (!next) return;
    sleepers = sleepers.filter((s) => s !== next);
    time = Math.max(time, next.at);
    next.wake();
    setImmediate(pump);
  };
  return {
    now: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { at: time + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((s) => s !== sleeper);
          resolve();
        });
        if (!pumping) {
          pumping = true;
          setImmediate(pump);
        }
      }),
  };
};

export const unknown = (why: string, reason: Unknown['reason'] = 'lost'): Unknown => ({ is: 'unknown', reason, why });

export const uuidOf = (vm: string): string => `uuid-of-${vm}`;

export const domainOf = (vm: string, more: Partial<Domain> = {}): Domain => ({
  domid: 1,
  uuid: uuidOf(vm),
  name: vm,
  type: 'pvh',
  state: 'running',
  vcpus: { online: 1, max: 4 },
  memory: { target: 131072, actual: 131072, max: 131072 },
  boot: { kernel: null, ramdisk: null, cmdline: null },
  settings: {},
  disks: [],
  cdroms: {},
  nics: [],
  monitored: true,
  qemu: false,
  balloon: true,
  pvDrivers: true,
  pendingUpdate: null,
  ...more,
});

export const recordOf = (path: string, text: string): CfgRecord => ({
  path,
  text,
  digest: digestBytes(new TextEncoder().encode(text)),
  exact: digestBytes(new TextEncoder().encode(text)),
  config: undefined,
  problem: undefined,
  marker: null,
  autostart: [],
});

const emptyServer: ServerSeen = {
  is: 'seen',
  storage: noStorage,
  host: 'dom0',
  bootId: 'boot',
  xen: { major: 4, minor: 17, version: '4.17', virtCaps: [] },
  cpus: 4,
  memory: { total: 8388608, free: 4194304, reclaimable: 0 },
  scheduler: 'credit2',
  bridges: ['xenbr0'],
  ovs: [],
  cpupools: ['Pool-0'],
  qemu: true,
  xendomains: null,
  domains: [],
  records: [],
  paths: {},
  monitors: [],
  problems: [],
};

/**
 * What goes wrong with a command: its result; no effect though it succeeds; its result lost before or after the effect; or the server refusing, or not
 * answering.
 */
export type Fault =
  | { readonly rc: number; readonly err: string; readonly effect?: boolean }
  | 'no-effect'
  | 'lost-before'
  | 'lost-after'
  | 'fenced'
  | Unknown;

export interface FakeOptions {
  readonly servers: Readonly<Record<string, Partial<ServerSeen>>>;
  readonly fault?: (argv: readonly string[], server: string) => Fault | undefined;
  readonly hold?: Readonly<Record<string, { readonly is: 'busy'; readonly by: Holder | null } | Unknown>>;
  /** ms on the clock from which on a server that `hold` refuses may be held. */
  readonly letsGoAt?: number;
  /** What a command prints on its standard output. */
  readonly prints?: (argv: readonly string[]) => string;
  /** ms that a command takes. */
  readonly takes?: (argv: readonly string[]) => number;
  readonly unreadable?: Readonly<Record<string, Unknown>>;
}

/** One line per command: `begin`/`end`, in the order of time. */
export interface Trace {
  readonly what: 'begin' | 'end';
  readonly server: string;
  readonly argv: readonly string[];
}

export interface FakeControl extends Control {
  readonly seen: Map<string, ServerSeen>;
  readonly trace: Trace[];
  readonly reads: string[];
  readonly held: string[];
  released: boolean;
}

const nicOf = (mac: string, bridge: string): Domain['nics'][number] => ({
  devid: 0,
  mac,
  bridge,
  vlan: null,
  rate: null,
  model: null,
  script: null,
  state: 4,
});

/** `create NAME`, `shutdown NAME`, `destroy NAME`, `vcpus NAME N`, `attach NAME MAC BRIDGE`, `detach NAME MAC`, `log NAME`, `knock HOST PORT`. */
const applyArgv = (s: ServerSeen, argv: readonly string[]): ServerSeen => {
  const [verb = '', name = '', a = '', b = ''] = argv;
  const change = (f: (d: Domain) => Domain): ServerSeen => ({
    ...s,
    domains: s.domains.map((d) => (d.name === name ? f(d) : d)),
  });
  const gone = (): ServerSeen => ({ ...s, domains: s.domains.filter((d) => d.name !== name) });
  const verbs: Readonly<Record<string, () => ServerSeen>> = {
    create: () => ({ ...s, domains: [...s.domains, domainOf(name, { domid: s.domains.length + 1 })] }),
    shutdown: gone,
    destroy: gone,
    vcpus: () => change((d) => ({ ...d, vcpus: { ...d.vcpus, online: Number(a) } })),
    attach: () => change((d) => ({ ...d, nics: [...d.nics, { ...nicOf(a, b), devid: d.nics.length }] })),
    log: () => s,
    knock: () => s,
    detach: () => change((d) => ({ ...d, nics: d.nics.filter((n) => n.mac !== a) })),
  };
  const run = verbs[verb];
  if (!run) throw new Error(`the fake dom0 has no command ${verb}`);
  return run();
};

export const fakeControl = (clock: Clock, options: FakeOptions): FakeControl => {
  const seen = new Map(Object.entries(options.servers).map(([k, v]) => [k, { ...emptyServer, ...v }]));
  const at = (server: string): ServerSeen => seen.get(server) ?? emptyServer;
  const running = new Map<string, Promise<ExecResult | 'lost' | 'never'>>();
  const began = clock.now();
  const trace: Trace[] = [];
  const reads: string[] = [];
  const held: string[] = [];

  const command = async (
    server: string,
    argv: readonly string[],
    fault: Fault | undefined,
  ): Promise<ExecResult | 'lost'> => {
    trace.push({ what: 'begin', server, argv });
    await clock.sleep(options.takes?.(argv) ?? 1000);
    const failed = typeof fault === 'object' && 'rc' in fault ? fault : null;
    const works = failed ? failed.effect === true : fault === undefined || fault === 'lost-after';
    if (works) seen.set(server, applyArgv(at(server), argv));
    trace.push({ what: 'end', server, argv });
    const out = options.prints?.(argv) ?? '';
    if (failed) return { rc: failed.rc, out, err: failed.err };
    return fault === 'lost-after' || fault === 'lost-before' ? 'lost' : { rc: 0, out, err: '' };
  };

  const control: FakeControl = {
    seen,
    trace,
    reads,
    held,
    released: false,
    read: async (server, program) => {
      reads.push(`${server} ${program.args.join(' ')}`);
      await clock.sleep(100);
      const bad = options.unreadable?.[server];
      return bad ?? program.decode(new TextEncoder().encode(JSON.stringify(at(server))), '');
    },
    hold: async (server) => {
      await clock.sleep(50);
      const refused = options.hold?.[server];
      if (refused && clock.now() - began < (options.letsGoAt ?? Infinity)) return refused;
      held.push(server);
      return { is: 'held' };
    },
    start: async (server, id, step) => {
      await clock.sleep(10);
      const key = `${server} ${id}`;
      if (running.has(key)) return 'already';
      const fault = options.fault?.(step.argv, server);
      if (fault === 'fenced') return 'fenced';
      if (typeof fault === 'object' && 'is' in fault) return fault;
      running.set(key, command(server, step.argv, fault));
      return 'started';
    },
    wait: async (server, id) => (await running.get(`${server} ${id}`)) ?? 'never',
    file: async (server, step) => {
      await clock.sleep(10);
      const fault = options.fault?.([step.do, step.path], server);
      if (fault === 'fenced') return 'fenced';
      if (typeof fault === 'object') return 'is' in fault ? fault : { is: 'failed', why: fault.err };
      const records = at(server).records;
      const have = records.find((r) => r.path === step.path)?.digest ?? 'absent';
      if (step.onlyIf !== 'any' && step.onlyIf !== have) return 'differs';
      const rest = records.filter((r) => r.path !== step.path);
      const text = step.do === 'write' ? new TextDecoder().decode(step.bytes) : null;
      const now = text === null ? rest : [...rest, recordOf(step.path, text)];
      seen.set(server, { ...at(server), records: now });
      return 'done';
    },
    release: async () => {
      await clock.sleep(10);
      control.released = true;
    },
    close: async () => control.release(),
  };
  return control;
};

const news = { code: 'guest-destroyed', why: 'it was destroyed' } as const;
const exec = (...argv: string[]): ExecStep => ({ do: 'exec', argv, deadlineMs: 60_000 });

const lower = (op: Op): Lowered | { readonly unsupported: string } => {
  if (!isVmOp(op)) return { unsupported: op.verb };
  const { uuid, name } = op;
  const up: Condition = { is: 'domain', uuid, state: 'up' };
  const gone: Condition = { is: 'domain', uuid, state: 'gone' };
  switch (op.verb) {
    case 'define': {
      const bytes = new TextEncoder().encode(`generation ${op.record.marker.generation}`);
      const { path, replaces } = op.record;
      return {
        before: [],
        steps: [{ do: 'write', path, bytes, mode: 0o600, onlyIf: replaces }],
        after: [{ is: 'record', path, digest: digestBytes(bytes) }],
        afterMs: 1000,
      };
    }
    case 'start':
      return {
        before: [gone, { is: 'name-free', name, uuid }],
        steps: [{ ...exec('create', name), explain: ['log', name] }],
        after: [up],
        afterMs: 10_000,
      };
    case 'ready': {
      const { host, port, from, withinMs } = op.ready;
      const asked = from === 'here' ? 'here' : { argv: ['knock', host, `${port}`] };
      return {
        before: [up],
        steps: [{ do: 'probe', from: asked, host, port, deadlineMs: withinMs }],
        after: [],
        afterMs: 0,
      };
    }
    case 'stop':
      return {
        before: [up],
        steps: [
          exec('shutdown', name),
          {
            do: 'await',
            until: gone,
            deadlineMs: op.deadlineMs,
            otherwise: op.force
              ? [
                  { ...exec('destroy', name), news },
                  { do: 'await' as const, until: gone, deadlineMs: 5000, otherwise: [] },
                ]
              : [],
          },
        ],
        after: [gone],
        afterMs: 5000,
      };
    case 'restart':
      return {
        before: [up],
        steps: [
          exec('shutdown', name),
          { do: 'await', until: gone, deadlineMs: op.deadlineMs, otherwise: [] },
          exec('create', name),
        ],
        after: [up],
        afterMs: 10_000,
      };
    case 'set-vcpus':
      return {
        before: [up],
        steps: [exec('vcpus', name, `${op.count}`)],
        after: [{ is: 'vcpus', uuid, online: op.count }],
        afterMs: 10_000,
      };
    case 'attach-nic':
      return {
        before: [up, { is: 'bridge', name: op.bridge }],
        steps: [exec('attach', name, op.mac, op.bridge)],
        after: [{ is: 'nic', uuid, mac: op.mac, bridge: op.bridge, rate: null, script: null }],
        afterMs: 10_000,
      };
    case 'autostart':
    case 'pause':
    case 'unpause':
    case 'set-memory':
    case 'set-sched':
    case 'set-affinity':
    case 'set-cpupool':
    case 'rename':
    case 'change-cd':
    case 'make-disk':
    case 'adopt-disk':
    case 'make-seed':
    case 'grow-disk':
    case 'attach-disk':
    case 'detach-disk':
    case 'detach-nic':
    case 'move-nic':
    case 'release':
    case 'migrate':
    case 'discard':
    case 'drop-image':
    case 'settle':
    case 'activate':
    case 'deactivate':
    case 'unlease':
    case 'suspend':
    case 'resume':
    case 'forget':
    case 'undefine':
      return { unsupported: `the fake toolstack cannot ${op.verb}` };
  }
};

const program = <R>(what: string, paths: readonly string[], decode: (answer: Uint8Array, nonce: string) => R) =>
  readProgram({ text: '', args: [what, ...paths], deadlineMs: 1000, decode });

export const fakeToolstack: Toolstack = {
  name: 'fake',
  reading: (what, paths) =>
    program(what, paths, (answer) => JSON.parse(new TextDecoder().decode(answer)) as ServerSeen),
  rawReading: (what, paths) => program(what, paths, (bytes, nonce) => ({ is: 'raw', bytes, nonce }) as const),
  unknownKeys: () => [],
  console: (name) => ['console', name],
  lower: (op) => lower(op),
  verdict: () => null,
  rescue: (op, before, now) => {
    if (!isVmOp(op)) return [];
    const domain = now.domains.find((d) => d.uuid === op.uuid);
    const had = before.domains.find((d) => d.uuid === op.uuid);
    if (op.verb === 'attach-nic' && domain?.nics.some((n) => n.mac === op.mac))
      return [exec('detach', op.name, op.mac)];
    if (op.verb === 'restart' && had && !domain) return [exec('create', op.name)];
    return [];
  },
  commands: () => [],
  memoryNeed: () => 0,
};
