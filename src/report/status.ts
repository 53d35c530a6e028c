/** The farm as it is, in tables: servers, VMs whoever keeps them, and what the file names and nobody has. */
import { formatSize } from '../core/quantity.ts';
import type { ReadingCode } from '../core/reason.ts';
import { isTreated, rollWords, type PoolRoll } from '../kinds/server/roll.ts';
import type { ServerState } from '../kinds/server/spec.ts';
import { note, plain, tableOf, type Cell, type Line, type Note, type Paint } from './columns.ts';
import { clean, colors, count, hang, type Colors } from './text.ts';

/** Sizes in KiB. */
export interface StatusServer {
  readonly name: string;
  readonly pool: string;
  readonly address: string;
  /** `off` and `lost`: as the file says, and so not read. */
  readonly state: 'read' | 'unread' | 'off' | 'lost';
  /** What the file says. */
  readonly declared: ServerState;
  /** Null where it is unread. */
  readonly xen: string | null;
  readonly cpus: number | null;
  readonly memory: { readonly total: number; readonly free: number } | null;
  /** '' where it was not told. */
  readonly scheduler: string | null;
  /** Why it is unread, for programs and for people, and what would help. */
  readonly code: ReadingCode | null;
  readonly why: string | null;
  readonly help: string | null;
  /** What could be read only in part. */
  readonly problems: readonly string[];
}

/**
 * `managed`: it carries this farm's marker; `adoptable`: the file names it and it carries none; `foreign`: another farm's;
 * `unmanaged`: nobody's.
 */
export type Owner = 'managed' | 'adoptable' | 'unmanaged' | 'foreign';

export interface StatusVm {
  /** Xen's. */
  readonly name: string;
  /** Its key in the file; null where the file does not name it. */
  readonly key: string | null;
  readonly server: string;
  readonly uuid: string | null;
  readonly state: 'running' | 'paused' | 'stopped' | 'crashed' | 'ended' | 'dying';
  readonly type: string | null;
  readonly vcpus: { readonly count: number; readonly max: number } | null;
  /** KiB: what it has or would start with, and its maximum. */
  readonly memory: { readonly target: number; readonly max: number } | null;
  readonly owner: Owner;
  /** Whether it starts with its server. */
  readonly autostart: boolean;
  /** How many changes wait for a restart. */
  readonly pending: number;
  /** In how many other places it is not as the file says. */
  readonly differences: number;
  readonly problems: readonly string[];
}

/** One repository of a pool. */
export interface StatusRepository {
  readonly name: string;
  readonly pool: string;
  readonly type: string;
  readonly path: string;
  /** KiB of the store: of a shared one once, else the least of the servers' own; null where none told. */
  readonly space: { readonly size: number; readonly free: number } | null;
  /** The servers that have it. */
  readonly attached: readonly string[];
  /** Those that lack it. */
  readonly missing: readonly string[];
  /** Disks in it that no cfg and no domain has, by file name. */
  readonly orphans: readonly string[];
  /** Templates and ISOs of the file that it keeps: `template debian`. */
  readonly images: readonly string[];
  /** Files of images that the file no longer names: others, or other versions. */
  readonly oldImages: readonly string[];
  /** `dom02: /srv/vmstore does not answer`. */
  readonly problems: readonly string[];
}

/** `nowhere`: nobody has it. `unclear`: it cannot be told which one it is. */
export interface StatusMissing {
  readonly is: 'nowhere' | 'unclear';
  readonly key: string;
  readonly pool: string;
  readonly why: string;
}

export interface Status {
  readonly format: 'reeve-status/1';
  readonly tool: string;
  readonly farm: string;
  readonly servers: readonly StatusServer[];
  readonly repositories: readonly StatusRepository[];
  readonly vms: readonly StatusVm[];
  /** Declared, and not among `vms` by its key. */
  readonly missing: readonly StatusMissing[];
  /** Of pools whose servers remember one: it is under way, or broke off. */
  readonly rolls: readonly PoolRoll[];
}

export interface StatusOptions {
  readonly color: boolean;
  readonly width: number;
}

/** Two-space JSON with a newline at its end. */
export const statusJson = (status: Status): string => `${JSON.stringify(status, null, 2)}\n`;

const size = (kib: number): string =>
  kib % 1024 ** 2 === 0 || kib < 1024 ** 2 ? formatSize(kib) : `${(kib / 1024 ** 2).toFixed(1)}GiB`;

/** Beside the name of a server that is reached like others, and is to be empty. */
const emptied: Readonly<Partial<Record<ServerState, string>>> = {
  maintenance: ' (maintenance)',
  absent: ' (leaving)',
};

/** A server that a roll treats is in no maintenance of the file. */
const besideOf = (s: StatusServer, rolls: readonly PoolRoll[]): string => {
  const its = rolls.find((r) => r.pool === s.pool)?.stages.find((x) => x.server === s.name);
  if (its && isTreated(its)) return ' (roll)';
  return emptied[s.declared] ?? '';
};

const serverLine = (s: StatusServer, rolls: readonly PoolRoll[], paint: Colors): Line => {
  const name = clean(s.name);
  const beside = besideOf(s, rolls);
  const cells = (rest: readonly Cell[]): readonly Cell[] => [
    { text: name + beside, paint: () => paint.bold(name) + (beside === '' ? '' : paint.yellow(beside)) },
    { text: clean(s.pool) },
    { text: clean(s.address) },
    ...rest,
  ];
  if (s.state === 'off' || s.state === 'lost')
    return { cells: cells([{ text: s.state, paint: s.state === 'off' ? paint.dim : paint.yellow }]), notes: [] };
  if (s.state === 'unread' || s.memory === null)
    return {
      cells: cells([{ text: 'unread', paint: paint.red }]),
      notes: [note('!')(s.why ?? 'it was not read'), ...(s.help === null ? [] : [note(' ')(`help: ${s.help}`)])],
    };
  return {
    cells: cells([
      { text: clean(s.xen ?? '') },
      { text: String(s.cpus ?? ''), right: true },
      { text: size(s.memory.free), right: true },
      { text: size(s.memory.total), right: true },
      { text: s.scheduler === '' || s.scheduler === null ? '?' : clean(s.scheduler) },
    ]),
    notes: s.problems.map(note('!')),
  };
};

const repositoryLine = (r: StatusRepository, paint: Colors): Line => ({
  cells: [
    { text: clean(r.name), paint: paint.bold },
    { text: clean(r.pool) },
    { text: r.type },
    { text: clean(r.path) },
    { text: r.space === null ? '?' : size(r.space.free), right: true },
    { text: r.space === null ? '?' : size(r.space.size), right: true },
    {
      text: r.attached.length === 0 ? 'nowhere' : r.attached.map(clean).join(', '),
      paint: r.missing.length === 0 ? plain : paint.yellow,
    },
  ],
  notes: [
    ...r.problems.map(note('!')),
    ...(r.images.length > 0 ? [note('·')(`keeps ${r.images.map(clean).join(', ')}`)] : []),
    ...(r.oldImages.length > 0
      ? [
          note('·')(
            `${count(r.oldImages.length, 'image')} that the file no longer names: ${r.oldImages.map(clean).join(', ')}; --prune removes`,
          ),
        ]
      : []),
    ...(r.orphans.length > 0
      ? [
          note('·')(
            `${count(r.orphans.length, 'disk')} that no VM has: ${r.orphans.map(clean).join(', ')}; adopt one, or --delete-disks NAME`,
          ),
        ]
      : []),
    ...(r.missing.length > 0 ? [note('·')(`not attached on ${r.missing.map(clean).join(', ')}: reeve plan`)] : []),
  ],
});

const statePaint = (state: StatusVm['state'], paint: Colors): Paint => {
  switch (state) {
    case 'running':
      return paint.green;
    case 'paused':
    case 'ended':
    case 'dying':
      return paint.yellow;
    case 'crashed':
      return paint.red;
    case 'stopped':
      return paint.dim;
  }
};

const upTo = (now: string, most: string): string => (now === most ? now : `${now}/${most}`);

const notesOf = (v: StatusVm): readonly Note[] => [
  ...v.problems.map(note('!')),
  ...[
    ...(v.key !== null && v.key !== v.name ? [`the file calls it ${v.key}`] : []),
    ...(v.differences > 0 ? [`${count(v.differences, 'difference')} from the file: reeve plan`] : []),
    ...(v.pending > 0 ? [`${count(v.pending, 'change')} ${v.pending === 1 ? 'waits' : 'wait'} for a restart`] : []),
  ].map(note('·')),
];

const vmLine = (v: StatusVm, paint: Colors): Line => ({
  cells: [
    { text: clean(v.name), paint: paint.bold },
    { text: clean(v.server) },
    { text: v.state, paint: statePaint(v.state, paint) },
    { text: v.type ?? '?' },
    { text: v.vcpus ? upTo(String(v.vcpus.count), String(v.vcpus.max)) : '?', right: true },
    { text: v.memory ? upTo(size(v.memory.target), size(v.memory.max)) : '?', right: true },
    { text: v.owner, paint: v.owner === 'managed' ? plain : v.owner === 'adoptable' ? paint.cyan : paint.dim },
    { text: v.autostart ? 'on' : 'off', paint: paint.dim },
  ],
  notes: notesOf(v),
});

/** Ends in a newline. */
export const renderStatus = (status: Status, { color, width }: StatusOptions): string => {
  const paint = colors(color);
  const unread = status.servers.filter((s) => s.state === 'unread').length;
  const section = (title: string, lines: readonly string[]): readonly string[] => [paint.bold(title), ...lines, ''];
  const serverHeads = ['NAME', 'POOL', 'ADDRESS', 'XEN', 'CPUS', 'FREE', 'OF', 'SCHEDULER'];
  const repositoryHeads = ['NAME', 'POOL', 'TYPE', 'PATH', 'FREE', 'OF', 'ATTACHED'];
  const vmHeads = ['NAME', 'SERVER', 'STATE', 'TYPE', 'VCPUS', 'MEMORY', 'OWNER', 'AUTOSTART'];
  const running = status.vms.filter((v) => v.state === 'running').length;
  const managed = status.vms.filter((v) => v.owner === 'managed').length;
  const nowhere = status.missing.filter((m) => m.is === 'nowhere').length;
  const tail = [
    `${count(status.servers.length, 'server')}${unread > 0 ? `, ${unread} unread` : ''}`,
    `${count(status.vms.length, 'VM')}, ${running} running, ${managed} managed`,
    ...(nowhere > 0 ? [`${nowhere} not there`] : []),
  ];
  const absent = (title: string, is: StatusMissing['is']): readonly string[] => {
    const those = status.missing.filter((m) => m.is === is);
    const text = (m: StatusMissing): string => `${clean(m.key)} (pool ${clean(m.pool)}): ${clean(m.why)}`;
    return those.length === 0
      ? []
      : section(
          title,
          those.flatMap((m) => hang('  ', text(m), '      ', width)),
        );
  };
  const lines = [
    ...section(
      'Servers',
      tableOf(
        serverHeads,
        status.servers.map((s) => serverLine(s, status.rolls, paint)),
        width,
        paint,
      ),
    ),
    ...(status.rolls.length === 0
      ? []
      : section(
          'Rolls',
          status.rolls.flatMap((r) => hang('  ', clean(rollWords(r)), '      ', width)),
        )),
    ...(status.repositories.length === 0
      ? []
      : section(
          'Repositories',
          tableOf(
            repositoryHeads,
            status.repositories.map((r) => repositoryLine(r, paint)),
            width,
            paint,
          ),
        )),
    ...section(
      'VMs',
      status.vms.length === 0
        ? ['  none']
        : tableOf(
            vmHeads,
            status.vms.map((v) => vmLine(v, paint)),
            width,
            paint,
          ),
    ),
    ...absent('Declared, but not there', 'nowhere'),
    ...absent('Declared, but not clear', 'unclear'),
    `${tail.join('; ')}.`,
  ];
  return `${lines.join('\n')}\n`;
};
