/** What placing found, as decisions: who goes to which server and how, and who is refused, with the reason server by server. */
import { option } from '../../core/shell-word.ts';
import type { Reason } from '../../core/reason.ts';
import { worst, type Disruption } from '../../core/disruption.ts';
import { ref } from '../../core/ref.ts';
import type { PlanOptions, Refusal } from '../../kinds/plan.ts';
import { isVolumeGroup, savedPath } from '../../kinds/repository/live.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { publicHalf, sendTrouble, takeTrouble } from '../../kinds/server/owner-key.ts';
import type { ServerSpec } from '../../kinds/server/spec.ts';
import type { Journey, VmTransition } from '../../kinds/vm/draft.ts';
import type { LeaseDraft } from '../../kinds/vm/lease.ts';
import type { CfgRecord } from '../../kinds/vm/live.ts';
import { helpAlive } from '../model/live-migration-compat.ts';
import { barredAlive } from './workloads.ts';
import type { Body } from './workload.ts';
import type { Decision } from '../decide/decide.ts';
import { helpText, lackOn, lacksText, whyLeaves } from './explain-placement.ts';
import { moveBy, type Unmet } from './solver/problem.ts';
import { travels, unmetOf, type PoolPlan, type Travel } from './place-pool.ts';
import { refusal } from '../model/refusal.ts';
import { table } from '../../core/table.ts';

export interface Travelled {
  /** In place of those of the same VM; a VM whose start is impossible has none. */
  readonly decisions: ReadonlyMap<string, Decision | null>;
  /** VM key → the server where it is to be made. */
  readonly homes: ReadonlyMap<string, string>;
  readonly refused: readonly Refusal[];
  /** VM key → why it is moved. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Brings the cfg of a VM that does not run to another server. */
  readonly carry: (x: Decision, to: string) => Decision | Reason;
}

/** The same VM, as one that is restarted whatever else is to be done; null where that cannot be. */
export type Again = (x: Decision) => Decision | null;

/** Where a server takes migrations; null: nobody has said. */
const migrationAddress = (s: ServerSpec | undefined): string | null =>
  s?.migration ?? (s && s.address !== 'local' && s.address !== '' ? s.address : null);

const cfgName = (t: VmTransition): string => `/etc/xen/${t.want.config.name}.cfg`;

/** What lies at the path of its cfg on another server: null where that is somebody else's. */
const standing = (plan: PoolPlan, t: VmTransition, server: string): CfgRecord | 'absent' | null => {
  const found = plan.scene.seenOf(server)?.records.find((r) => r.path === cfgName(t));
  if (!found) return 'absent';
  return found.marker?.uuid === t.want.uuid && found.marker.farm === t.farm ? found : null;
};

/** A start elsewhere takes the same lease; its autostart leads over the same store. */
const viaOn = (lease: LeaseDraft | null, t: VmTransition, server: string): string | null =>
  lease === null || isVolumeGroup(lease.folder)
    ? null
    : `${lease.folder}/autostart/${server}/${t.want.config.name}.cfg`;

/** By server, or why there is no way from one of them to the next. */
const addressesOf = (
  { scene: { pool, serverOf, seenOf } }: PoolPlan,
  from: string,
  through: readonly string[],
): { readonly all: Readonly<Record<string, string>> } | Reason => {
  const all: Record<string, string> = table();
  for (const [i, name] of through.entries()) {
    const address = migrationAddress(serverOf.get(name));
    if (address === null)
      return {
        code: 'migration-address-missing',
        why: `nobody has said where ${name} takes migrations`,
        help: `set \`migration: ADDRESS\` for ${name}`,
      };
    all[name] = address;
    const before = through[i - 1] ?? from;
    const [a, b] = [seenOf(before), seenOf(name)];
    const no = a && b && keyTrouble(pool, [before, a], [name, b], address);
    if (no) return no;
  }
  return { all };
};

/** What keeps one server from getting into the other, of what no plan mends. */
const keyTrouble = (
  { migrationKey: key }: PoolPlan['scene']['pool'],
  [from, a]: readonly [string, ServerSeen],
  [to, b]: readonly [string, ServerSeen],
  address: string,
): Reason | null => {
  if (!a.migration || !b.migration) return null;
  const { hostKey } = b.migration;
  if (key === undefined)
    return hostKey === null
      ? {
          code: 'host-key-missing',
          why: `${to} has no ed25519 host key, by which ${from} could know it`,
          help: `run ssh-keygen -A on ${to}`,
        }
      : null;
  const out = sendTrouble(a, key, address, hostKey);
  if (out) return { ...out, why: `${from} cannot migrate with ${key}: ${out.why}` };
  const into = takeTrouble(b, publicHalf(a, key) ?? '');
  return into && { ...into, why: `${from} cannot migrate to ${to} with ${key}: ${into.why}` };
};

const travel = (plan: PoolPlan, x: Decision, t: VmTransition, way: Travel): Decision | Reason => {
  const to = way.through.at(-1) ?? x.server;
  const stands = standing(plan, t, to);
  if (stands === null)
    return {
      code: 'cfg-taken',
      why: `${to} has a ${cfgName(t)} already of another VM`,
      help: 'move it away, or give one of the two another name',
    };
  const addresses = way.how === 'live' ? addressesOf(plan, x.server, way.through) : { all: {} };
  if ('why' in addresses) return addresses;
  const store = t.lease;
  const image =
    way.how === 'suspend' && store && !isVolumeGroup(store.folder)
      ? { path: savedPath(store.folder, t.want.uuid), folder: store.folder, repository: store.repository }
      : null;
  if (way.how === 'suspend' && !image)
    return {
      code: 'no-shared-repository',
      why: 'it would have to be suspended, and no shared repository can hold its memory',
      help: 'free some memory on one of the servers',
    };
  const journey: Journey = {
    how: way.how,
    through: way.through,
    addresses: addresses.all,
    key: plan.scene.pool.migrationKey ?? null,
    replaces: stands === 'absent' ? 'absent' : stands.digest,
    image,
  };
  const lease = t.lease && { ...t.lease, frees: null };
  const up = t.live?.domain && t.state !== 'start';
  const cost: Disruption = way.how === 'live' ? 'migrate' : up ? 'restart' : 'none';
  return {
    ...x,
    disruption: worst([x.disruption, cost]),
    transition: { ...t, journey, lease, via: t.via === null && lease === null ? null : viaOn(lease, t, to) },
  };
};

const unverified = {
  code: 'unverified',
  why: 'the moves that were found for its pool do not pass the check that Reeve makes of its own plans',
  help: 'report it, with what `reeve snapshot` writes',
  needs: null,
} as const;

const unmetText = (plan: PoolPlan, body: Body, { what, why }: Unmet): Refusal => {
  const key = body.spec?.key ?? body.name;
  const here = body.server ?? body.prefers;
  const help = helpText(plan, body);
  if (what === 'start') {
    const comes = body.decision !== null && body.prefers === null;
    const does = comes ? `moved into pool ${plan.scene.pool.name}` : body.decision ? 'started' : 'created';
    return refusal(key, `${key} would be ${does}`, {
      code: body.stays?.code ?? 'no-server-fits',
      why: body.stays?.why ?? lacksText(plan, body),
      help: body.stays?.help ?? help,
    });
  }
  const would = `${key} would leave ${here} (${whyLeaves(plan, body).text})`;
  if (body.stays) return { ...refusal(key, would, body.stays), needs: body.stays.needs };
  const barred = plan.servers.filter((s) => {
    const bar = barredAlive(body, s, plan.scene);
    return bar !== null && bar === lackOn(plan, body, s);
  });
  if (barred.length > 0) {
    const about = helpAlive(key, plan.scene.seenOf(here ?? ''), barred.map(plan.scene.seenOf));
    return {
      ...refusal(key, would, { code: 'cannot-migrate', why: lacksText(plan, body), help: about }),
      needs: 'restart',
    };
  }
  const circle = why === 'stuck' ? 'it waits for a place that only moves when it does; ' : '';
  return refusal(key, would, {
    code: why === 'stuck' ? 'stuck' : 'no-server-fits',
    why: `${circle}${lacksText(plan, body)}`,
    help:
      why === 'stuck'
        ? `free some memory, or allow one of them to be suspended (${option('--allow', `restart=${key}`)})`
        : help,
  });
};

/** A VM that nobody manages keeps a server from being emptied. */
const strangerText = (plan: PoolPlan, body: Body): Refusal => ({
  subject: ref('server', body.server ?? ''),
  what: `${body.server} would be emptied (${whyLeaves(plan, body).text})`,
  code: 'unmanaged-vm',
  why: `${body.name} runs on it and is not managed`,
  help: 'migrate or stop it by hand, or put it into the file',
  needs: null,
});

export const journeysOf = (plan: PoolPlan, again: Again, options: PlanOptions): Travelled => {
  const decisions = new Map<string, Decision | null>();
  const homes = new Map<string, string>();
  const reasons = new Map<string, string>();
  const refused: Refusal[] = [];
  const ways = travels(plan);
  for (const { body, unmet } of unmetOf(plan)) {
    if (unmet.what === 'grow' || unmet.what === 'apart') continue;
    if (unmet.what === 'move' && options.cause === 'drift') continue;
    if (!body.decision && body.server !== null) {
      // Of a run that covers some VMs only, and of those that are refused already, nothing more is said.
      if (body.ours || options.targets.length > 0) continue;
      if (!refused.some((r) => r.subject.name === body.server)) refused.push(strangerText(plan, body));
      continue;
    }
    // What nobody can make room for is told where it does not fit: the growth of one VM is refused, not the move of another.
    if (unmet.what === 'move' && ['full', 'room'].includes(whyLeaves(plan, body).is)) continue;
    refused.push({ ...unmetText(plan, body, unmet), ...(unmet.why === 'unverified' ? unverified : {}) });
    if (unmet.what === 'start' && body.spec) decisions.set(body.spec.key, null);
  }
  plan.bodies.forEach((body, v) => {
    const { spec } = body;
    const s = plan.solution.to[v] ?? -1;
    if (!spec || s < 0) return;
    if (!body.decision) return void homes.set(spec.key, plan.servers[s] ?? '');
    const way = ways.get(v);
    if (way === undefined || options.cause === 'drift') return;
    // From another pool it comes in a restart.
    const moved = body.server === null && body.prefers === null && body.decision.live?.domain;
    const x = body.move === moveBy.restart || moved ? again(body.decision) : body.decision;
    const t = x && (x.transition ?? x.whole);
    const done: Decision | Reason =
      way && x && t
        ? travel(plan, x, t, way)
        : { code: 'no-way-found', why: 'no simple way was found', help: 'free some memory on one of the servers' };
    if ('why' in done) refused.push(refusal(spec.key, `${spec.key} would leave ${body.server ?? body.prefers}`, done));
    else {
      decisions.set(spec.key, done);
      reasons.set(spec.key, whyLeaves(plan, body).text);
    }
  });
  const carry = (x: Decision, to: string): Decision | Reason => {
    const t = x.transition ?? x.whole;
    return t
      ? travel(plan, x, t, { how: 'down', through: [to] })
      : { code: 'unplannable', why: 'it cannot be planned', help: null };
  };
  return { decisions, homes, refused, reasons, carry };
};
