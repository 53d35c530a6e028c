/** What moves a running VM to another server: live, or through a file with its memory. */
import type { Condition, Lowered, Step } from '../../../core/step.ts';
import { aliasOf } from '../../../kinds/server/describe.ts';
import { publicHalf } from '../../../kinds/server/owner-key.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import type { Peers } from '../../../kinds/toolstack.ts';
import { featuresLost, maskedBy } from '../../../kinds/vm/cpu.ts';
import type { LeftCfg } from '../../../kinds/vm/ops.ts';
import { destroyed, exec, gone, quickMs, until, wakeArgvs } from './domain-steps.ts';
import { exactly, linkArgvs, startedBy } from './cfg.ts';
import { emptyFolder, halfFile, published, removeHalfArgv } from './half.ts';
import { is, leased, lets, readied, store } from './life.ts';
import { onDomain, type At, type Of, type Unsupported } from './lowering.ts';
import { memoryNeed } from './memory-need.ts';
import { bridgesOf, hasQemu, runningPaths, withinStores } from './needs.ts';
import { hostsPath, keyPath } from '../read/peers.ts';
import { closed, reopened, sharedAmong } from './shared-volumes.ts';

/** Killed once the guest is suspended, xl leaves it standing for ever [L]: a dead peer is noticed by ssh, and this is for what never ends. */
const migrateMs = (kib: number): number => Math.max(14_400_000, Math.ceil((kib / 1024 / 5) * 1000));

/** A target that dies is noticed within 15 s: xl itself would wait for TCP. */
const sshCommand = (peer: string, key: string | null): string =>
  [
    'ssh',
    `-i ${key ?? keyPath}`,
    '-o IdentitiesOnly=yes',
    '-o BatchMode=yes',
    '-o StrictHostKeyChecking=yes',
    // With the owner's key, the owner's known_hosts.
    ...(key === null ? [`-o UserKnownHostsFile=${hostsPath}`, `-o HostKeyAlias=${aliasOf(peer)}`] : []),
    '-o ConnectTimeout=20',
    '-o ServerAliveInterval=5',
    '-o ServerAliveCountMax=3',
  ].join(' ');

/** `dom` may be the VM's name. */
export const migrateArgv = ({ peer, address, key }: Of<'migrate'>, dom: string): readonly string[] => [
  'xl',
  'migrate',
  '-s',
  sshCommand(peer, key),
  dom,
  address,
];

const removed = (left: LeftCfg | null, seen: ServerSeen): readonly Step[] =>
  left === null
    ? []
    : [
        ...left.links.map((link) => exec(['rm', '-f', link])),
        { do: 'remove', path: left.path, onlyIf: exactly(left.path, left.digest, seen) } as const,
      ];

const absent = (left: LeftCfg | null): readonly Condition[] =>
  left === null ? [] : [{ is: 'record', path: left.path, digest: 'absent' }];

export const migrate = (op: Of<'migrate'>, at: At, peers: Peers): Lowered | Unsupported => {
  const { uuid, peer: server, config, leaves, name } = op;
  const target = peers.get(server);
  const hostKey = target?.migration?.hostKey ?? null;
  if (!target || (hostKey === null && op.key === null))
    return { unsupported: `the host key of ${server} could not be read` };
  const key = op.key === null ? at.seen.migration?.key : publicHalf(at.seen, op.key);
  if (!key) return { unsupported: `${op.server} has no key for migrations` };
  // What its cfg masks it does not have; and what Xen does not tell is not asked for.
  const features = featuresLost(at.seen.features, maskedBy(config.extra));
  const there: readonly Condition[] = [
    gone(uuid),
    { is: 'name-free', name, uuid },
    { is: 'runs', type: config.type },
    { is: 'features', names: features },
    ...(hasQemu(config) ? [{ is: 'has-qemu' } as const] : []),
    ...(config.settings.cpupool === undefined ? [] : [{ is: 'has-cpupool', name: config.settings.cpupool } as const]),
    ...bridgesOf(config),
    ...runningPaths(config).map((path): Condition => ({ is: 'path', path })),
    ...withinStores(runningPaths(config), target),
    { is: 'room', kib: memoryNeed(config) },
    { is: 'receives', key, ...(op.key === null ? {} : { owner: true }) },
  ];
  const arrived: readonly Condition[] = [
    gone(uuid),
    { is: 'domain', uuid, state: 'up', server },
    { is: 'named', uuid, name, server },
  ];
  const sends: Condition =
    op.key === null
      ? { is: 'sends', alias: aliasOf(server), hostKey: hostKey ?? '' }
      : { is: 'sends-as', key: op.key, address: op.address, hostKey };
  return onDomain(op, at, {
    before: [sends, ...there.map((c) => ({ ...c, server }))],
    // The cfg here goes only once the VM is seen there.
    steps: (_, dom) => [
      exec(migrateArgv(op, dom), migrateMs(config.memory.target)),
      ...arrived.map((c) => until(c, quickMs)),
      ...(leaves === null ? [] : closed(sharedAmong(runningPaths(config), at.seen.storage))),
      ...removed(leaves, at.seen),
    ],
    after: [...arrived, ...absent(leaves)],
    afterMs: quickMs,
  });
};

/** Only while the whole of it is seen elsewhere: else this may be all that is left. */
export const discard = (op: Of<'discard'>, { domain }: At): Lowered => {
  const { uuid, name, home: server } = op;
  return {
    before: [
      { is: 'at-rest', uuid },
      { is: 'at-rest', uuid, server },
      { is: 'named', uuid, name },
      { is: 'domain', uuid, state: 'up', server },
    ],
    steps: domain ? destroyed(domain) : [],
    after: [gone(uuid)],
    afterMs: quickMs,
  };
};

/** Only while it runs: else its image is all that there is of its memory. */
export const dropImage = (op: Of<'drop-image'>, at: At): Lowered => ({
  before: [is(op.uuid, 'running'), ...withinStores([op.file], at.seen)],
  steps: [exec(['rm', '-f', op.file])],
  after: [{ is: 'no-path', path: op.file }],
  afterMs: quickMs,
});

/** Where it comes to run next, and where it has been. */
export const volumesInUse = (op: Of<'activate' | 'deactivate'>, at: At): Lowered => ({
  before: op.verb === 'activate' ? [] : [gone(op.uuid)],
  steps:
    op.verb === 'activate'
      ? reopened(sharedAmong(op.paths, at.seen.storage))
      : [...lets(op, at), ...(op.lease ? [] : closed(sharedAmong(op.paths, at.seen.storage)))],
  after: [],
  afterMs: quickMs,
});

/** Where it is no longer the one that was seen, it stays; what a volume has of it goes with the volume. */
export const unlease = ({ lease, uuid, folder }: Of<'unlease'>, at: At): Lowered => ({
  before: [],
  steps: lets({ lease, uuid }, at).map((step) => (step.do === 'exec' ? { ...step, mayFail: true } : step)),
  after: [{ is: 'no-lease', folder, uuid, digest: lease.digest }],
  afterMs: quickMs,
});

export const settle = (op: Of<'settle'>, at: At): Lowered | Unsupported => {
  const { path, link, via, update } = op;
  const taken = leased(op, at.seen);
  if ('unsupported' in taken) return taken;
  const linked = link === null ? [] : linkArgvs({ path, on: true, link, links: [], via });
  const record = at.seen.records.find((r) => r.path === path);
  const folders = [link, via].flatMap((p) => (p === null ? [] : [p.slice(0, p.lastIndexOf('/'))]));
  return onDomain(op, at, {
    before: store(op),
    steps: (_, dom) => [
      ...taken,
      ...folders.map((folder) => exec(['mkdir', '-p', folder])),
      ...linked.map((argv) => exec(argv)),
      ...(update ? [exec(['xl', 'config-update', dom, path])] : []),
    ],
    after: [
      ...(link === null ? [] : [startedBy({ path, link, via, links: [] })]),
      ...(update && record ? [{ is: 'given', uuid: op.uuid, digest: record.exact } as const] : []),
    ],
    afterMs: quickMs,
  });
};

/** It stays, paused, until its image has its name: else nobody knew of a whole image that it is one. */
export const saveArgv = ({ file }: Of<'suspend'>, dom: string): readonly string[] => ['xl', 'save', '-p', dom, file];

export const suspend = (op: Of<'suspend'>, at: At): Lowered => {
  const { uuid, file, folder, farm, repository, config, leaves } = op;
  return onDomain(op, at, {
    before: [
      { is: 'store', path: folder, farm, repository, uuid: null },
      { is: 'no-path', path: file },
    ],
    steps: (d, dom) => [
      exec(['mkdir', '-p', file.slice(0, file.lastIndexOf('/'))]),
      ...emptyFolder(file),
      {
        ...exec(saveArgv({ ...op, file: halfFile(file) }, dom), migrateMs(config.memory.target)),
        fills: { path: halfFile(file) },
        undo: removeHalfArgv(file),
      },
      published(file),
      ...destroyed(d),
      ...closed(sharedAmong(runningPaths(config), at.seen.storage)),
      ...removed(leaves, at.seen),
    ],
    after: [gone(uuid), { is: 'path', path: file }, ...absent(leaves)],
    afterMs: quickMs,
  });
};

export const restoreArgv = ({ file }: Of<'resume'>): readonly string[] => ['xl', 'restore', '-p', file];

export const resume = (op: Of<'resume'>, { seen }: At): Lowered | Unsupported => {
  const { uuid, name, file, config } = op;
  const first = readied(op, config, seen);
  if ('unsupported' in first) return first;
  return {
    before: [
      gone(uuid),
      ...store(op),
      { is: 'runs', type: config.type },
      { is: 'name-free', name, uuid },
      ...bridgesOf(config),
      ...[...runningPaths(config), file].map((path): Condition => ({ is: 'path', path })),
      ...withinStores([...runningPaths(config), file], seen),
      { is: 'room', kib: memoryNeed(config) },
    ],
    steps: [
      ...first,
      exec(restoreArgv(op), migrateMs(config.memory.target)),
      // Its memory is nowhere else until the paused domain is seen.
      until(is(uuid, 'paused'), quickMs),
      ...wakeArgvs(file, name).map((argv) => exec(argv)),
    ],
    after: [is(uuid, 'running')],
    afterMs: quickMs,
  };
};
