/** One export in two pools: what one of them has is not deleted, removed or fetched once more by the other. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statusOf } from '../../src/cli/status.ts';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

const source = 'filer:/vmstore';
const url = 'https://images.example.com/debian.qcow2';
const image = Uint8Array.from([0x51, 0x46, 0x49, 0xfb, ...new TextEncoder().encode('debian')]);
const file = `debian-${bytesToHex(sha256(image)).slice(0, 8)}.qcow2`;

let rig: Rig;
beforeEach(async () => {
  const server = (name: string) => ({
    name,
    memoryMiB: 4096,
    dom0MiB: 1024,
    cpus: 4,
    bridges: ['xenbr0'],
    paths: ['/srv/vmlinuz'],
  });
  rig = await openRig({
    servers: [server('dom01'), server('dom02')],
    exports: [source],
    speed: Infinity,
    seed: 'exports',
  });
  rig.sim.web.set(url, { bytes: image });
});
afterEach(async () => rig.close());

/** They have it at different paths. */
const pools = (more: string, q = ''): string => `farm: p
networks: { lan: { bridge: xenbr0 } }
pools:
  p: { servers: { dom01: { address: a } }, repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/one } } }
  q: { servers: { dom02: { address: b${q} } }, repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/two } } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
${more}
`;
const db = 'vms: { db: { pool: q, disks: { xvda: { repository: vmstore, size: 1GiB } } } }';
const debian = (where: string): string =>
  `templates: { debian: { source: "${url}", sha256: "${bytesToHex(sha256(image))}", pools: [${where}] } }`;

const planOf = async (text: string, options: Partial<PlanOptions> = {}) => rig.plan((await load(text)).farm, options);
const whys = (plan: Awaited<ReturnType<typeof planOf>>): string =>
  plan.refused.map((r) => `${r.what}: ${r.why}`).join('\n');
const ids = (plan: Awaited<ReturnType<typeof planOf>>): readonly string[] => plan.operations.map((o) => o.id);
const converge = async (text: string, options: Partial<PlanOptions> = {}) => {
  const plan = await planOf(text, { allow: [{ disruption: 'recreate', pattern: '*' }], ...options });
  const { failed, skipped } = await rig.apply(plan);
  expect({ failed, skipped, refused: plan.refused }).toEqual({ failed: [], skipped: [], refused: [] });
  await rig.sim.settle();
  expect(ids(await planOf(text))).toEqual([]);
  return plan;
};
/** What `status` says that --prune removes. */
const oldIn = async (text: string): Promise<readonly string[]> => {
  const { farm } = await load(text);
  const reader = rig.reader();
  try {
    const seen = await rig.observe(reader, farm);
    return statusOf(farm, seen, await rig.plan(farm), '0').repositories.flatMap((r) => r.oldImages);
  } finally {
    await reader.close();
  }
};
const list = (folder: string): readonly string[] => rig.sim.export(source).files.list(folder);
const diskOf = (name: string): string =>
  list('/disks').find((n) => n.startsWith(`${name}-`) && !n.endsWith('.json')) ?? '';

describe('a disk named to be deleted', () => {
  it('is kept while a VM of the other pool has it, be that pool read, silent, lost or gone from the file', async () => {
    await converge(pools(db));
    const disk = diskOf('db');
    const named = { deleteDisks: [disk] };
    const refusal = async (text: string): Promise<string> => {
      const plan = await planOf(text, named);
      expect(ids(plan).filter((id) => id.includes('delete-disk'))).toEqual([]);
      return whys(plan);
    };
    expect(await refusal(pools(db))).toMatch(/db on dom02 has it/);
    await rig.sim.faults('dom02').refuse(true);
    expect(await refusal(pools(db))).toMatch(/the lease of db on dom02 names it/);
    expect(await refusal(pools('vms: {}', ', state: lost'))).toMatch(/the lease of db on dom02 names it/);
    const [one] = pools('vms: {}').split('\n  q:');
    const alone = `${one}\ndefaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }\n`;
    expect(await refusal(alone)).toMatch(/the lease of db on dom02 names it/);
    await rig.sim.faults('dom02').clear();
    // A stopped VM has no lease.
    await converge(pools(db.replace('size: 1GiB } }', 'size: 1GiB } }, state: stopped')), {
      allow: [{ disruption: 'stop', pattern: '*' }],
    });
    expect(list('/leases').filter((n) => n.endsWith('.json'))).toEqual([]);
    await rig.sim.faults('dom02').refuse(true);
    expect(await refusal(pools(db))).toMatch(/dom02 could not be read: something there may have it/);
    expect(diskOf('db')).toBe(disk);
  });

  it('goes once, however often it is named, when nobody has it any more', async () => {
    await converge(pools(db));
    const gone = pools(db.replace('size: 1GiB } }', 'size: 1GiB } }, state: absent'));
    await converge(gone);
    const disk = diskOf('db');
    const plan = await converge(gone, { deleteDisks: [disk, disk] });
    expect(ids(plan)).toEqual([`p/vmstore/delete-disk/dom01/${disk}`]);
    expect(diskOf('db')).toBe('');
  });
});

describe('an image', () => {
  it('is fetched once where both pools want it', async () => {
    const text = pools(
      `${debian('p, q')}\nvms: { db: { pool: q, disks: { xvda: { repository: vmstore, size: 1GiB, from: debian } } } }`,
    );
    const plan = await converge(text);
    expect(ids(plan).filter((id) => id.includes('fetch-image'))).toEqual(['p/template/debian/fetch-image/dom01']);
    expect(plan.operations.find((o) => o.op.verb === 'make-disk')?.needs).toContain(
      'p/template/debian/fetch-image/dom01',
    );
    expect(list('/images')).toEqual([file, `${file}.reeve.json`]);
  });

  it('is not fetched by a pool that is still to mount the store, where the other sees it there', async () => {
    await converge(pools(debian('p')).replace(/, repositories: [^\n]*two } }/, ''));
    const plan = await converge(pools(debian('p, q')));
    expect(ids(plan).filter((id) => id.includes('fetch-image'))).toEqual([]);
  });

  it('that one pool gives up stays while the other keeps it, has it in a drive, or is not read', async () => {
    const pruned = (text: string) => planOf(text, { prune: true });
    await converge(pools(debian('p, q')));
    expect(ids(await pruned(pools(debian('q'))))).toEqual([]);
    expect(await oldIn(pools(debian('q')))).toEqual([]);
    expect(await oldIn(pools('vms: {}'))).toEqual([file, file]);
    const theirs = `name = "theirs"\ntype = "pvh"\nmemory = 64\nkernel = "/srv/two/images/${file}"\n`;
    rig.sim.files('dom02').write('/etc/xen/theirs.cfg', theirs);
    const used = await pruned(pools('vms: {}'));
    expect([ids(used), whys(used)]).toEqual([[], expect.stringMatching(/theirs on dom02 has it/)]);
    rig.sim.files('dom02').remove('/etc/xen/theirs.cfg');
    await rig.sim.faults('dom02').refuse(true);
    const blind = await pruned(pools('vms: {}'));
    expect([ids(blind), whys(blind)]).toEqual([[], expect.stringMatching(/dom02 could not be read/)]);
    await rig.sim.faults('dom02').clear();
    expect(ids(await converge(pools('vms: {}'), { prune: true }))).toEqual([
      `p/template/debian/remove-image/dom01/${file}`,
    ]);
    expect(list('/images')).toEqual([]);
  });
});
