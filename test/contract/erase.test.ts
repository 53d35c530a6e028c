/** `--delete-data`: what Reeve made in a repository goes with it, on the simulated farm; whatever else is there stays. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

const source = 'filer:/vmstore';
const url = 'https://images.example.com/debian.qcow2';
const image = Uint8Array.from([0x51, 0x46, 0x49, 0xfb, ...new TextEncoder().encode('debian')]);

let rig: Rig;
beforeEach(async () => {
  const server = (name: string) => ({
    name,
    memoryMiB: 4096,
    dom0MiB: 1024,
    cpus: 4,
    bridges: ['xenbr0'],
    paths: ['/srv/vmlinuz'],
    volumeGroups: { vg0: 10 * 1024 * 1024 },
  });
  rig = await openRig({
    servers: [server('dom01'), server('dom02')],
    exports: [source],
    speed: Infinity,
    seed: 'erase',
  });
  rig.sim.web.set(url, { bytes: image });
});
afterEach(async () => rig.close());

const nfs = (state = ''): string => `vmstore: { type: nfs, source: "${source}", path: /srv/vmstore${state} }`;
const lvm = (state = ''): string => `vg0: { type: lvm${state} }`;
const dir = (state = ''): string => `local: { type: dir, path: /srv/local${state} }`;
const gone = ', state: absent';
const debian = `templates: { debian: { source: "${url}", sha256: "${bytesToHex(sha256(image))}" } }`;
const web = (repository: string, more = ''): string =>
  `vms: { web: { server: dom01, disks: { xvda: { repository: ${repository}, size: 1GiB } }${more} } }`;
const farm = (repositories: string, more = 'vms: {}'): string => `farm: p
servers: { dom01: { address: a }, dom02: { address: b } }
networks: { lan: { bridge: xenbr0 } }
repositories: { ${repositories} }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
${more}
`;

const planOf = async (text: string, options: Partial<PlanOptions> = {}) => {
  const plan = await rig.plan((await load(text)).farm, {
    allow: [{ disruption: 'recreate', pattern: '*' }],
    ...options,
  });
  return { plan, text: renderPlan(plan, { color: false, width: 100, commands: false }) };
};
const ids = ({ plan }: Awaited<ReturnType<typeof planOf>>): readonly string[] => plan.operations.map((o) => o.id);
const whys = ({ plan }: Awaited<ReturnType<typeof planOf>>): string =>
  plan.refused.map((r) => `${r.what}: ${r.why}`).join('\n');
const converge = async (text: string, options: Partial<PlanOptions> = {}) => {
  const first = await planOf(text, options);
  const { failed, skipped } = await rig.apply(first.plan);
  expect({ failed, skipped, refused: first.plan.refused }).toEqual({ failed: [], skipped: [], refused: [] });
  await rig.sim.settle();
  expect(ids(await planOf(text))).toEqual([]);
  return first;
};
const files = () => rig.sim.export(source).files;
const has = (path: string): boolean => files().read(path) !== undefined;
const erase = { deleteData: ['vmstore', 'vg0', 'local'] };
/** A disk that its VM left, a template, and two files of somebody's. */
const begin = async (): Promise<string> => {
  await converge(farm(nfs(), `${debian}\n${web('vmstore')}`));
  await converge(farm(nfs(), `${debian}\n${web('vmstore', gone)}`));
  files().write('/disks/theirs.raw', 'precious');
  files().write('/keep', 'precious');
  return (
    files()
      .list('/disks')
      .find((n) => n.startsWith('web-')) ?? ''
  );
};

describe('a shared store', () => {
  it('is emptied of what is ours by one server, then detached; what is not ours stays', async () => {
    const disk = await begin();
    const told = await planOf(farm(nfs(gone)));
    expect(told.text).toMatch(/detach; its data stay/);
    const { plan, text } = await converge(farm(nfs(gone)), erase);
    expect(text).toMatch(/AND DELETE ITS DATA: THE BYTES OF 1 DISK \(1GiB\) ARE LOST/);
    expect(text).toMatch(new RegExp(`delete disk ${disk} \\(1GiB\\): its bytes are lost`));
    expect(text).toMatch(/1 repository to detach, 1 image to remove, 1 disk to delete/);
    expect(text).toMatch(/theirs\.raw stays: no marker of this farm says whose it is/);
    expect(plan.operations.map((o) => o.op.verb)).toEqual([
      'delete-disk',
      'remove-image',
      'unmark-repository',
      'detach-repository',
      'detach-repository',
    ]);
    expect(plan.operations.map((o) => o.disruption)[0]).toBe('data-loss');
    // Where it could not be emptied, nobody lets go of it.
    expect(plan.operations.map((o) => o.needs.includes(plan.operations[2]?.id ?? '')).slice(3)).toEqual([true, true]);
    expect([files().list('/'), files().list('/disks')]).toEqual([['disks', 'keep'], ['theirs.raw']]);
    expect([files().read('/keep'), files().read('/disks/theirs.raw')]).toEqual(['precious', 'precious']);
  });

  it.each([['write /etc/fstab'], ['umount']])(
    'is let go of by the run after one that was cut behind `%s`',
    async (cut) => {
      await begin();
      for (const name of ['dom01', 'dom02']) {
        const fstab = rig.sim.files(name).read('/etc/fstab') ?? '';
        const lines = fstab.split('\n').filter((l) => !/vmstore/.test(l));
        rig.sim.files(name).write('/etc/fstab', lines.join('\n'));
        if (cut === 'umount') await rig.sim.hand(name, ['umount', '/srv/vmstore']);
      }
      const { plan } = await converge(farm(nfs(gone)), erase);
      // What nobody sees is not said to be deleted.
      expect(plan.warnings.some((w) => w.includes('what may be left in it stays'))).toBe(cut === 'umount');
      for (const name of ['dom01', 'dom02'])
        expect([
          rig.sim.files(name).read('/etc/reeve/repositories.json')?.includes('vmstore'),
          (await rig.sim.hand(name, ['cat', '/proc/mounts'])).out.includes('vmstore'),
        ]).toEqual([false, false]);
    },
  );

  it('keeps all while a VM of any server has something in it, in the file, in a cfg or since the plan', async () => {
    const disk = await begin();
    const theirs = `name = "theirs"\ntype = "pvh"\nmemory = 64\nkernel = "/srv/vmlinuz"\ndisk = [ "/srv/vmstore/disks/${disk},raw,xvda,rw" ]\n`;
    const ready = await planOf(farm(nfs(gone)), erase);
    rig.sim.files('dom02').write('/etc/xen/theirs.cfg', theirs);
    expect(whys(await planOf(farm(nfs(gone)), erase))).toMatch(/and its data deleted: theirs on dom02 uses it/);
    const { failed, done } = await rig.apply(ready.plan);
    expect([failed.map((f) => f.why), done]).toEqual([[expect.stringMatching(/^dom02: theirs has/)], []]);
    rig.sim.files('dom02').write('/etc/xen/theirs.cfg', `${theirs}disk = [[ unreadable`);
    expect(whys(await planOf(farm(nfs(gone)), erase))).toMatch(/theirs\.cfg on dom02 uses it/);
    rig.sim.files('dom02').remove('/etc/xen/theirs.cfg');
    const wanting = farm(nfs(gone), 'vms: { new: { disks: { xvda: { path: /srv/vmstore/mine.raw } } } }');
    expect(whys(await planOf(wanting, erase))).toMatch(/the file has something of new in it/);
    expect(has(`/disks/${disk}`)).toBe(true);
    await converge(farm(nfs(gone)), erase);
  });

  it('keeps all while a server is not read, does not answer, or has another farm’s marker there', async () => {
    const disk = await begin();
    await rig.sim.faults('dom02').refuse(true);
    expect(whys(await planOf(farm(nfs(gone)), erase))).toMatch(/dom02 could not be read/);
    await rig.sim.faults('dom02').clear();
    rig.sim.export(source).dead(true);
    expect(whys(await planOf(farm(nfs(gone)), erase))).toMatch(/does not answer/);
    rig.sim.export(source).dead(false);
    const marker = files().read('/.reeve.json') ?? '';
    files().write('/.reeve.json', marker.replace('"farm":"p"', '"farm":"q"'));
    const other = await planOf(farm(nfs(gone)), erase);
    expect([ids(other), whys(other)]).toEqual([[], expect.stringMatching(/is repository vmstore of farm q/)]);
    files().write('/.reeve.json', marker);
    const mine = files().read(`/disks/${disk}.reeve.json`) ?? '';
    files().write(`/disks/${disk}.reeve.json`, mine.replace('"farm":"p"', '"farm":"q"'));
    await converge(farm(nfs(gone)), erase);
    expect(has(`/disks/${disk}`)).toBe(true);
  });

  it('keeps its marker where a disk came into it since the plan', async () => {
    const disk = await begin();
    const { plan } = await planOf(farm(nfs(gone)), erase);
    const marker = files().read(`/disks/${disk}.reeve.json`) ?? '';
    files().write('/disks/new.raw', 'new');
    files().write('/disks/new.raw.reeve.json', marker);
    const { failed, skipped } = await rig.apply(plan);
    expect(failed.map((f) => f.why)).toEqual(['/srv/vmstore holds new.raw, which the plan did not see']);
    expect(skipped).toHaveLength(2);
    expect([has('/.reeve.json'), files().read('/disks/new.raw')]).toEqual([true, 'new']);
    await converge(farm(nfs(gone)), erase);
  });

  it.each([3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16])(
    'is taken up again after a run that is killed (%s events)',
    async (leaveAt) => {
      await begin();
      await rig.apply((await planOf(farm(nfs(gone)), erase)).plan, leaveAt);
      await rig.sim.settle();
      for (let tries = 0; tries < 3; tries++) {
        const { plan } = await planOf(farm(nfs(gone)), erase);
        expect(plan.refused).toEqual([]);
        if (plan.operations.length === 0) break;
        await rig.apply(plan);
      }
      expect(ids(await planOf(farm(nfs(gone)), erase))).toEqual([]);
      expect([files().list('/'), files().list('/disks')]).toEqual([['disks', 'keep'], ['theirs.raw']]);
    },
  );
});

describe('a store that two pools have', () => {
  const pools = (p: string, q: string, more = 'vms: {}'): string => `farm: p
networks: { lan: { bridge: xenbr0 } }
pools:
  p: { servers: { dom01: { address: a } }, repositories: { ${nfs(p)} } }
  q: { servers: { dom02: { address: b } }, repositories: { ${nfs(q)} } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
${more}
`;
  const inP = (state = ''): string =>
    `vms: { web: { pool: p, disks: { xvda: { repository: vmstore, size: 1GiB } }${state} } }`;

  it('goes once neither has it any more', async () => {
    await converge(pools('', '', inP()));
    await converge(pools('', '', inP(gone)));
    expect(whys(await planOf(pools(gone, ''), erase))).toMatch(/pool q keeps the same store/);
    expect(whys(await planOf(pools(gone, gone), { ...erase, pools: ['p'] }))).toMatch(/pool q has the same store/);
    const theirs = 'name = "theirs"\ntype = "pvh"\nmemory = 64\nkernel = "/srv/vmstore/vmlinuz"\n';
    rig.sim.files('dom02').write('/etc/xen/theirs.cfg', theirs);
    const used = await planOf(pools(gone, gone), erase);
    expect(whys(used)).toMatch(/theirs on dom02 of pool q has something in it/);
    expect(used.plan.operations.map((o) => o.op.verb)).not.toContain('delete-disk');
    rig.sim.files('dom02').remove('/etc/xen/theirs.cfg');
    const { plan } = await converge(pools(gone, gone), erase);
    expect(plan.repositories.map((r) => [r.pool, r.action])).toEqual([
      ['p', 'erase'],
      ['q', 'erase'],
    ]);
    expect(plan.operations.map((o) => o.id.replace(/delete-disk.*/, 'delete-disk'))).toEqual([
      'p/vmstore/delete-disk',
      'p/vmstore/unmark-repository/dom01',
      'p/vmstore/detach-repository/dom01',
      'q/vmstore/detach-repository/dom02',
    ]);
    expect(files().list('/')).toEqual([]);
  });

  it('is emptied from the second where the first has let go of it', async () => {
    await converge(pools('', '', inP()));
    await converge(pools('', '', inP(gone)));
    await converge(pools(gone, ''));
    await converge(pools(gone, gone), erase);
    expect(files().list('/')).toEqual([]);
  });
});

describe('a store of each server’s own', () => {
  it('is emptied on each: a folder', async () => {
    await converge(farm(dir(), web('local')));
    await converge(farm(dir(), web('local', gone)));
    const { plan } = await converge(farm(dir(gone)), erase);
    expect(
      plan.operations
        .filter((o) => o.op.verb === 'unmark-repository')
        .map((o) => o.server)
        .sort(),
    ).toEqual(['dom01', 'dom02']);
    expect(rig.sim.files('dom01').list('/srv/local')).toEqual([]);
  });

  it('is emptied on each: a volume group, of which somebody else’s volume stays', async () => {
    await converge(farm(lvm(), web('vg0')));
    await converge(farm(lvm(), web('vg0', gone)));
    await rig.sim.hand('dom01', ['lvcreate', '-y', '-n', 'theirs', '-L', '1024k', 'vg0']);
    const { text } = await converge(farm(lvm(gone)), erase);
    expect(text).toMatch(/delete disk web-xvda-\S+ \(1GiB\): its bytes are lost/);
    const { out } = await rig.sim.hand('dom01', ['lvs']);
    expect(out).toContain('theirs');
    expect(out + (await rig.sim.hand('dom01', ['vgs'])).out).not.toMatch(/web-|reeve/);
  });
});

describe('a name', () => {
  it('that nothing goes by is told, and nothing is deleted', async () => {
    const disk = await begin();
    const stays = await planOf(farm(nfs(), debian), { deleteData: ['vmstore', 'nosuch'] });
    expect([ids(stays), stays.plan.warnings.slice(0, 2)]).toEqual([
      [],
      [
        '--delete-data vmstore: this repository is to stay: `state: absent` has it go',
        '--delete-data nosuch: no repository of this name is to go',
      ],
    ]);
    const left = await planOf(farm(dir()), { deleteData: ['vmstore'], prune: true });
    expect(whys(left)).toMatch(/the file no longer names it, and nobody looked what is in it/);
    await converge(farm(nfs(gone)));
    const late = await planOf(farm(nfs(gone)), erase);
    expect(late.plan.warnings[0]).toMatch(/--delete-data vmstore: this repository is attached nowhere/);
    expect(has(`/disks/${disk}`)).toBe(true);
  });
});
