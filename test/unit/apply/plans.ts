/** Small plans for the tests, and a run of one with everything that a test may set. */
import { defaultOptions } from '../../../src/plan/index.ts';
import { targetOf } from '../../../src/kinds/operations.ts';
import { execute } from '../../../src/apply/execute.ts';
import type { Outcome } from '../../../src/apply/outcome.ts';
import type { CancelSignals, Clock, Difference, World } from '../../../src/apply/world.ts';
import type { Event } from '../../../src/core/event.ts';
import { ref } from '../../../src/core/ref.ts';
import type { Op, Operation, Plan } from '../../../src/kinds/plan.ts';
import type { Observed } from '../../../src/kinds/server/live.ts';
import type { Toolstack } from '../../../src/kinds/toolstack.ts';
import { plainNic } from '../../../src/kinds/vm/spec.ts';
import {
  fakeControl,
  fakeToolstack,
  uuidOf,
  virtualClock,
  type FakeControl,
  type FakeOptions,
} from './fake-control.ts';

const base = (vm: string, server: string) => ({ vm: ref('vm', vm), server, uuid: uuidOf(vm), name: vm });

export const start = (vm: string, server: string): Op => ({
  ...base(vm, server),
  verb: 'start',
  lease: null,
  path: `/etc/xen/${vm}.cfg`,
  paused: false,
  clear: false,
  config: {
    name: vm,
    uuid: uuidOf(vm),
    type: 'pvh',
    vcpus: { count: 1, max: 1 },
    memory: { target: 131072, max: 131072 },
    boot: { kernel: null, ramdisk: null, cmdline: null },
    settings: {},
    disks: {},
    cdroms: {},
    nics: [],
    extra: [],
  },
});

const record = (vm: string, server: string, replaces: string) => ({
  path: `/etc/xen/${vm}.cfg`,
  marker: {
    farm: 'f',
    vm,
    uuid: uuidOf(vm),
    home: server,
    generation: 2,
    origin: 'created' as const,
    protect: false,
    macs: {},
    applied: {},
    by: '0',
  },
  config: (start(vm, server) as Extract<Op, { verb: 'start' }>).config,
  replaces,
  from: null,
});

export const define = (vm: string, server: string, replaces = 'absent'): Op => ({
  ...base(vm, server),
  verb: 'define',
  update: false,
  record: record(vm, server, replaces),
});
export const restart = (vm: string, server: string): Op => ({
  ...base(vm, server),
  verb: 'restart',
  lease: null,
  copies: [],
  record: record(vm, server, 'absent'),
  write: false,
  deadlineMs: 30_000,
  force: false,
});
export const stop = (vm: string, server: string, force = false): Op => ({
  ...base(vm, server),
  verb: 'stop',
  ended: false,
  lease: null,
  volumes: [],
  deadlineMs: 30_000,
  force,
});
export const vcpus = (vm: string, server: string, count: number): Op => ({
  ...base(vm, server),
  verb: 'set-vcpus',
  count,
  from: 1,
});
export const attachNic = (vm: string, server: string, mac: string, bridge = 'xenbr0'): Op => ({
  ...base(vm, server),
  verb: 'attach-nic',
  nic: 'eth0',
  mac,
  bridge,
  device: { ...plainNic, mac, bridge },
});
export const ready = (vm: string, server: string, from: 'dom0' | 'here' = 'dom0', withinMs = 60_000): Op => ({
  ...base(vm, server),
  verb: 'ready',
  ready: { host: vm, port: 80, from, withinMs },
});
export const pause = (vm: string, server: string): Op => ({ ...base(vm, server), verb: 'pause' });

/** Named `VM/VERB`. */
export const operation = (op: Op, needs: readonly string[] = [], more: Partial<Operation> = {}): Operation => ({
  id: `${op.name}/${op.verb}`,
  op,
  target: targetOf(op),
  server: op.server,
  needs,
  lane: null,
  before: null,
  disruption: 'none',
  reason: '',
  estimate: { ms: 0, downtimeMs: 0 },
  commands: [],
  ...more,
});

const planOf = (
  operations: readonly Operation[],
  { touched = [], scope = [], fences = [], lanes = [] }: Pick<RunOptions, 'touched' | 'scope' | 'fences' | 'lanes'>,
): Plan => ({
  format: 'reeve-plan/1',
  tool: '0',
  farm: 'f',
  options: defaultOptions,
  desired: '',
  touched,
  scope,
  servers: [],
  dom0s: [],
  fences,
  lanes,
  repositories: [],
  images: [],
  vms: [],
  operations,
  refused: [],
  unmanaged: [],
  unreadable: [],
  warnings: [],
  counted: { servers: 1, vms: 1 },
  bound: 0,
});

export interface Ran {
  readonly outcome: Outcome;
  readonly events: readonly Event[];
  readonly control: FakeControl;
  readonly clock: Clock;
}

/** What a test may do in the middle of a run. */
export interface Hands {
  readonly stop: () => void;
  readonly detach: () => void;
  readonly control: FakeControl;
}

export interface RunOptions extends FakeOptions {
  readonly fresh?: (observed: Observed) => readonly Difference[];
  readonly touched?: Plan['touched'];
  readonly scope?: Plan['scope'];
  readonly fences?: Plan['fences'];
  readonly lanes?: Plan['lanes'];
  readonly command?: World['command'];
  readonly toolstack?: Toolstack;
  readonly pathsOf?: (op: Op) => readonly string[];
  readonly secrets?: Readonly<Record<string, string>>;
  readonly waitMs?: number;
  /** Whether this host answers from here now. */
  readonly answers?: (host: string) => boolean;
  /** Called with each event. */
  readonly on?: (event: Event, hands: Hands) => void;
}

export const run = async (operations: readonly Operation[], options: RunOptions): Promise<Ran> => {
  const clock = virtualClock();
  const control = fakeControl(clock, options);
  const events: Event[] = [];
  const stop = new AbortController();
  const detach = new AbortController();
  const cancel: CancelSignals = { stop: stop.signal, detach: detach.signal };
  const outcome = await execute(planOf(operations, options), {
    control,
    toolstack: options.toolstack ?? fakeToolstack,
    clock,
    who: { who: 'ann', from: 'desk', since: '2026-01-01T00:00:00Z', epoch: 'e1' },
    onEvent: (e) => {
      events.push(e);
      options.on?.(e, { stop: () => stop.abort(), detach: () => detach.abort(), control });
    },
    cancel,
    secrets: new Map(Object.entries(options.secrets ?? {})),
    local: async (path) => ({ why: `there is no ${path}` }),
    command: options.command ?? (async () => ({ rc: 0, out: '' })),
    probe: async (host, _, timeoutMs) => {
      const answers = options.answers?.(host) ?? false;
      await clock.sleep(answers ? 100 : timeoutMs);
      return answers;
    },
    pathsOf: options.pathsOf ?? (() => []),
    waitMs: options.waitMs,
    fresh: options.fresh ?? (() => []),
  });
  return { outcome, events, control, clock };
};
