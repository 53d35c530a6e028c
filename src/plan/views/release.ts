/** Giving a VM back: its marker is taken out of its cfg, nothing else is touched, and it is nobody's from then on. */
import type { ReasonCode } from '../../core/reason.ts';
import { ref } from '../../core/ref.ts';
import { digestOfFarm, type Farm } from '../../kinds/farm.ts';
import type { Plan, Refusal } from '../../kinds/plan.ts';
import { isSharedGroup, isVolumeGroup } from '../../kinds/repository/live.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import { estimateOf, idOf, reasonOf } from '../../kinds/vm/describe.ts';
import { leaseHelp, leaseIn } from '../../kinds/vm/lease.ts';
import type { CfgRecord } from '../../kinds/vm/live.ts';
import type { VmOp } from '../../kinds/vm/ops.ts';
import { vmFacts } from '../document/facts.ts';
import { match, type Found } from '../match/match.ts';
import { busyIn } from '../match/under-way.ts';
import { refusal } from '../model/refusal.ts';
import { defaultOptions, type Tools } from '../model/planner-inputs.ts';

/** The VM of this key, whether the file still names it or not. */
const find = (farm: Farm, observed: Observed, key: string): readonly Found[] => {
  // A farm without VMs claims nothing: all that was found is left.
  const { left } = match({ ...farm, vms: [] }, observed, []);
  return left.filter((f) => f.marker?.farm === farm.name && f.marker.vm === key);
};

/** Of volumes that several servers see: nobody else opens and closes them any more. A running VM keeps its lease, which guards it still. */
const byHand = (key: string, uuid: string, { config }: CfgRecord, { storage }: ServerSeen): readonly string[] => {
  const paths = Object.values(config?.disks ?? {}).map((d) => d.path);
  return Object.keys(storage.stores)
    .filter((folder) => isVolumeGroup(folder) && isSharedGroup(storage, folder))
    .flatMap((folder) => {
      const mine = paths.filter((p) => p.startsWith(`${folder}/`)).map((p) => p.slice('/dev/'.length));
      if (mine.length === 0) return [];
      const opens = `${key}: its volumes are opened by hand from now on, on one server at a time: lvchange -ay ${mine.join(' ')} before it starts, lvchange -an once it is stopped`;
      const lease = leaseIn(storage, folder, uuid);
      return [
        opens,
        ...(lease ? [`${key}: its lease stays as long as it runs; once it is stopped, ${leaseHelp(folder)}`] : []),
      ];
    });
};

/** A plan of one operation, or why there is none. */
export const releasePlan = (farm: Farm, observed: Observed, key: string, tools: Tools): Plan | Refusal => {
  const refuse = (code: ReasonCode, why: string, help: string | null): Refusal =>
    refusal(key, `${key} would be released`, { code, why, help });
  const [found, other] = find(farm, observed, key);
  if (!found) {
    const unread = farm.pools.flatMap((p) => p.servers).filter((s) => !seenOn(observed, s.name));
    const blind = unread.length === 0 ? '' : `, and ${unread.map((s) => s.name).join(', ')} could not be read`;
    return refuse(
      'vm-not-found',
      `no cfg with this farm's marker of ${key} was seen${blind}`,
      'reeve status shows what is there',
    );
  }
  if (other) {
    const moves = busyIn(farm, observed)(key, [found, other], true);
    if (moves) return refuse(moves.code, moves.why, moves.help);
    return refuse(
      'vm-ambiguous',
      `${key} was found more than once: on ${found.server} and ${other.server}`,
      'look at each place which of them is in use; stop or remove nothing before',
    );
  }
  const busy = busyIn(farm, observed)(key, [found]);
  if (busy) return refuse(busy.code, busy.why, busy.help);
  const { record, domain } = found.live;
  const seen = seenOn(observed, found.server);
  const server = farm.pools.flatMap((p) => p.servers).find((s) => s.name === found.server);
  const uuid = found.uuid ?? '';
  if (!record || !seen || !server) return refuse('cfg-missing', `it has no cfg on ${found.server}`, null);
  const name = domain?.name ?? found.name;
  const op: VmOp = {
    vm: ref('vm', key),
    server: found.server,
    uuid,
    name,
    verb: 'release',
    path: record.path,
    digest: record.digest,
  };
  const id = idOf(op);
  return {
    format: 'reeve-plan/1',
    tool: tools.version,
    farm: farm.name,
    options: { ...defaultOptions, targets: [key] },
    desired: digestOfFarm(farm),
    touched: [{ subject: op.vm, server: found.server, uuid, name, seen: vmFacts(seen, uuid, name) }],
    scope: [found.server],
    servers: [{ name: server.name, pool: server.pool, address: server.address, ssh: server.ssh }],
    dom0s: [],
    fences: [],
    lanes: [],
    repositories: [],
    images: [],
    vms: [
      {
        subject: op.vm,
        name,
        server: found.server,
        to: null,
        action: 'release',
        disruption: 'none',
        changes: [],
        operations: [id],
        placed: null,
      },
    ],
    operations: [
      {
        id,
        op,
        target: op.vm,
        server: found.server,
        needs: [],
        lane: null,
        before: null,
        disruption: 'none',
        reason: reasonOf(op),
        estimate: estimateOf(op),
        commands: tools.toolstack.commands(op),
      },
    ],
    refused: [],
    unmanaged: [],
    unreadable: [],
    warnings: [
      ...(farm.vms.some((v) => v.key === key) ? [`the file still names ${key}: the next apply adopts it again`] : []),
      ...byHand(key, uuid, record, seen),
    ],
    counted: { servers: 1, vms: 1 },
    bound: 1,
  };
};
