/** What a reader of the plan should know though nothing is done about it: of servers, and of VMs as they run. */
import { formatSize } from '../../core/quantity.ts';
import type { Farm } from '../../kinds/farm.ts';
import { sharedKeys } from '../../kinds/server/identity.ts';
import { hasOvs } from '../../kinds/server/holds-devices.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import { onSharedGroup } from '../../kinds/vm/lease.ts';
import type { Decision } from '../decide/decide.ts';
import { joinWarnings } from './join-warnings.ts';
import type { Matched } from '../match/match.ts';
import { allowing } from '../place/mobility.ts';
import { freeAfter, type PoolPlan } from '../place/place-pool.ts';
import { outlivedImage } from '../decide/saved-memory.ts';
import { unseeded } from '../decide/cloud-init-seed.ts';
import type { Tools } from '../model/planner-inputs.ts';
import { unusedDisks } from './unused-disks.ts';
import { rollIn } from '../model/under-roll.ts';
import { rollWords } from '../../kinds/server/roll.ts';

export interface Scene {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly tools: Tools;
  readonly matched: Matched;
  readonly decisions: readonly Decision[];
  readonly pools: readonly PoolPlan[];
  readonly overhead: Overhead;
  readonly covers: (pool: string) => boolean;
}

/** Debian's xendomains saves every domain as the server goes down, and brings each back as it comes up, asked or not. */
const xendomains = ({ xendomains: x }: ServerSeen): readonly string[] => {
  if (!x || !(x.saves || x.restores)) return [];
  const does = [
    ...(x.saves ? ['saves every VM when the server goes down'] : []),
    ...(x.restores ? ['restores what was saved when it comes up'] : []),
  ];
  const set = [...(x.saves ? ['XENDOMAINS_SAVE=""'] : []), ...(x.restores ? ['XENDOMAINS_RESTORE=false'] : [])];
  return [
    `xendomains ${does.join(' and ')}: a VM may come back beside what the file says; set ${set.join(' and ')} in /etc/default/xendomains`,
  ];
};

/** What it reads there may be a moment's. */
const underWay = ({ underWay: all }: ServerSeen): readonly string[] => {
  const doing = [...new Set((all ?? []).filter((u) => u.ofRun).map((u) => u.doing))].filter((x) => x !== '');
  return doing.length === 0 ? [] : [`a run of Reeve is in the middle of ${doing.join(', ')}`];
};

const ofServers = (d: Scene): readonly string[] =>
  d.farm.pools
    .filter((p) => d.covers(p.name))
    .flatMap((p) => p.servers)
    .flatMap((s) => {
      const seen = seenOn(d.observed, s.name);
      return seen ? [...seen.problems, ...underWay(seen), ...xendomains(seen)].map((text) => `${s.name}: ${text}`) : [];
    });

/** Machines made from one image: whoever has one of them can pass it off as the other. */
const oneKey = (d: Scene): readonly string[] =>
  sharedKeys(d.observed).map(
    (names) =>
      `${names.join(' and ')} have one SSH host key: their host keys cannot tell them apart; give each its own (ssh-keygen -A)`,
  );

/** A VLAN that its cfg or its domain has on a Linux bridge, where no Xen sees to it; a NIC that the file leaves alone keeps it. */
const misplaced = ({ spec, server, live }: Decision, seen: ServerSeen | undefined): readonly string[] => {
  const nics = [...(live?.domain?.nics ?? []), ...(live?.record?.config?.nics ?? [])];
  const tagged = nics.flatMap(({ mac, bridge, vlan }) =>
    seen === undefined || vlan === null || bridge === null || hasOvs(bridge, seen)
      ? []
      : [
          `${spec.key} says VLAN ${vlan} for its NIC ${mac ?? 'without a MAC'} on ${bridge}, a Linux bridge of ${server}: Xen ignores that, and the guest is in the bridge's own network; give VLAN ${vlan} a bridge of its own`,
        ],
  );
  return [...new Set(tagged)];
};

/** Its cfg waits for a restart with more memory than its server will have free: room is made by the run that restarts it. */
const staysDown = ({ spec, server, live, whole, changes }: Decision, d: Scene): readonly string[] => {
  const waits = changes.some((c) => c.field === 'memory.target' && (c.fate === 'defer' || c.fate === 'pending'));
  const pool = d.pools.find((p) => p.scene.serverOf.has(server));
  const free = pool && freeAfter(pool).get(server);
  const claims = pool?.scene.rooms.get(server)?.claims;
  if (!waits || !live?.domain || !whole || !free || !claims) return [];
  const { config } = whole.want;
  const { uuid } = live.domain;
  const now = (claims.get(uuid) ?? 0) + (claims.get(`${uuid}+overhead`) ?? 0);
  const lacks = config.memory.target + d.overhead(config) - now - free.memory;
  if (lacks <= 0) return [];
  const size = formatSize(Math.ceil(lacks / 1024) * 1024);
  return [
    `${spec.key} has ${formatSize(config.memory.target)} in its cfg for its next start, and ${server} lacks ${size} for that: if the guest reboots by itself, it stays down; ${allowing('restart', spec)} makes room and restarts it`,
  ];
};

const ofVm = (x: Decision, d: Scene): readonly string[] => {
  const { key } = x.spec;
  const out: string[] = [];
  if (x.live?.domain?.monitored === false) {
    out.push(
      `${key} has no xl monitor on ${x.server}: nobody will handle its reboot or shutdown; a restart gives it one`,
    );
  }
  if (x.live?.domain?.type === 'hvm' && !x.live.domain.qemu) {
    out.push(
      `${key} runs on ${x.server} without its QEMU, which died: no emulated disk, NIC or display works; a restart gives it one`,
    );
  }
  out.push(...misplaced(x, seenOn(d.observed, x.server)));
  const image = outlivedImage(x.spec, x.live, d.farm, (server) => seenOn(d.observed, server));
  if (image !== null) out.push(image);
  out.push(...staysDown(x, d));
  const stale = unseeded(x.spec, x.live);
  if (stale !== null) out.push(stale);
  const pool = d.farm.pools.find((p) => p.name === x.spec.pool);
  const shared = Object.values(pool?.repositories ?? {}).filter((r) => r.shared);
  const t = x.transition;
  if (t?.want.state === 'running' && x.spec.autostart !== false && onSharedGroup(t.want.config.disks, shared)) {
    out.push(
      `${key} does not start with its server: its disks are on a volume group that several servers see; apply starts it`,
    );
  }
  const seen = seenOn(d.observed, x.server);
  const strange = seen ? d.tools.toolstack.unknownKeys(Object.keys(x.spec.xl ?? {}), seen.xen) : [];
  if (seen && strange.length > 0) {
    const one = strange.length === 1;
    out.push(
      `${key}: Xen ${seen.xen.version} on ${x.server} does not know ${strange.map((k) => `xl.${k}`).join(', ')}, and ignores ${one ? 'it' : 'them'}`,
    );
  }
  return out;
};

/** Of the pools that the run covers. */
const ofRolls = (d: Scene): readonly string[] =>
  d.farm.pools
    .filter((p) => d.covers(p.name))
    .flatMap((p) => {
      const roll = rollIn(p, d.observed);
      return roll ? [rollWords(roll)] : [];
    });

export const warningsOf = (d: Scene): readonly string[] => [
  ...ofRolls(d),
  ...d.matched.warnings,
  ...ofServers(d),
  ...oneKey(d),
  ...unusedDisks(d.decisions, d.farm.name, d.observed),
  ...joinWarnings(d.farm, d.observed, d.covers),
  ...d.decisions.flatMap((x) => ofVm(x, d)),
];
