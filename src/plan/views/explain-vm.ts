/** One VM explained: where it may be and why it is where it is, what waits for it, and what each change to it would cost now. */
import type { Account } from '../../kinds/account.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import { fields } from '../../kinds/vm/fields.ts';
import { resolve } from '../../kinds/vm/resolve.ts';
import { waysOf } from '../../kinds/vm/ways.ts';
import { lackOn, whyLeaves } from '../place/explain-placement.ts';
import type { Planned } from '../planning.ts';

/** What people change, and one of each kind of device. */
const general = ['name', 'memory.target', 'memory.max', 'vcpus.count', 'vcpus.max', 'boot.kernel', 'boot.cmdline'];

export const accountOf = (
  { plan, pools, decisions, matched, factsOf }: Planned,
  observed: Observed,
  key: string,
): Account | null => {
  const match = matched.of.get(key);
  if (!match) return null;
  const found = match.is === 'matched' ? match : null;
  const pool = pools.find((p) => p.bodies.some((b) => b.spec?.key === key));
  const body = pool?.bodies.find((b) => b.spec?.key === key);
  const decision = decisions.find((x) => x.spec.key === key);
  const spec = decision?.spec ?? body?.spec ?? null;
  const server = found?.found.server ?? null;
  const live = found?.found.live ?? null;
  const why = pool && body?.server ? whyLeaves(pool, body) : null;
  const seen = server === null ? undefined : seenOn(observed, server);
  const want = spec && live && seen ? resolve(spec, live, factsOf(spec, seen)) : null;
  const costs =
    want && !('unresolved' in want) && live && seen && spec && live.domain
      ? [
          ...general,
          ...fields.filter((f) => f.types.includes(live.domain?.type ?? 'pvh')).map((f) => f.name),
          ...Object.keys(want.config.disks).map((vdev) => `disks.${vdev}`),
          ...Object.keys(want.config.cdroms).map((vdev) => `cdrom.${vdev}`),
          ...Object.keys(want.macs).map((nic) => `nics.${nic}`),
        ].map((field) => ({ field, ways: waysOf(field, live, want, factsOf(spec, seen), true) }))
      : [];
  return {
    key,
    pool: spec?.pool ?? found?.found.pool ?? '',
    server,
    running: live?.domain !== null && live !== null,
    found: found?.how ?? null,
    cfg: live?.record?.path ?? null,
    servers:
      pool && body ? pool.scene.pool.servers.map((s) => ({ name: s.name, lacks: lackOn(pool, body, s.name) })) : [],
    leaves: why && ['state', 'file', 'apart', 'full'].includes(why.is) ? why.text : null,
    stays: body?.stays?.why ?? null,
    planned: plan.vms.find((v) => v.subject.name === key) ?? null,
    refused: plan.refused.filter((r) => r.subject.kind === 'vm' && r.subject.name === key),
    costs,
  };
};
