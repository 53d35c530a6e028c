/** What the tags of volume groups and volumes say: whose they are, who shares them, and who runs a VM from them. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoreSeen } from '../../../../src/kinds/repository/live.ts';
import {
  groupsOf,
  leaseTagsOf,
  parseVolumes,
  tagOfLease,
  tagOfStore,
} from '../../../../src/toolstacks/xl/read/volumes.ts';

const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
const lease = {
  farm: 'acme',
  vm: 'web',
  uuid,
  server: 'dom01',
  boot: '3675698c-8bfc-455d-8ae7-2cd7a4d3aa1c',
  generation: 3,
};
const disk = (vdev: string): string => `reeve.disk=acme/web/${uuid}/${vdev}`;
const read = (group: string, volumes: Readonly<Record<string, string>>): Extract<StoreSeen, { is: 'there' }> => {
  const report = (kind: string, rows: readonly object[]): string => JSON.stringify({ report: [{ [kind]: rows }] });
  const found = parseVolumes(
    report('vg', [{ vg_name: 'vg0', vg_uuid: 'id', vg_size: '4096.00', vg_free: '0.00', vg_tags: group }]),
    report(
      'lv',
      Object.entries(volumes).map(([lv_name, lv_tags]) => ({ vg_name: 'vg0', lv_name, lv_size: '4096.00', lv_tags })),
    ),
    ['/dev/vg0/'],
  )['/dev/vg0'];
  if (found?.is !== 'there') throw new Error('it is there');
  return found;
};

describe('a group', () => {
  const marker = { format: 1, farm: 'acme', repository: 'san', uuid } as const;
  it('says whether several servers see it', () => {
    expect(read(tagOfStore(marker), {})).toMatchObject({ id: 'id', marker });
    expect(read(tagOfStore({ ...marker, shared: true }), {}).marker).toEqual({ ...marker, shared: true });
    expect(read(`${tagOfStore(marker)}/other`, {}).marker).toBe('odd');
    expect(read(`${tagOfStore(marker)}/shared/more`, {}).marker).toBe('odd');
    expect(read('theirs', {}).marker).toBeNull();
  });
});

describe('a lease', () => {
  it('is of the volumes that have its tag, with what each is called', () => {
    const tag = tagOfLease(lease);
    expect(read('', { a: `${disk('xvda')},${tag}`, b: `${disk('xvdb')},${tag}`, c: disk('xvdc') }).leases).toEqual({
      [uuid]: {
        lease: { format: 1, ...lease, disks: { xvda: '/dev/vg0/a', xvdb: '/dev/vg0/b' } },
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
  });

  it('that was half taken is the newer one, and both go with the next', () => {
    const [old, next] = [tagOfLease(lease), tagOfLease({ ...lease, server: 'dom02', generation: 12 })];
    const { leases, disks } = read('', { a: `${disk('xvda')},${old}`, b: `${disk('xvdb')},${next}` });
    expect(leases[uuid]?.lease).toMatchObject({ server: 'dom02', disks: { xvdb: '/dev/vg0/b' } });
    expect(leaseTagsOf(uuid, disks)).toEqual([next, old]);
  });

  it.each(['', '/x', 'more'])('with %j behind it cannot be read, unless that is a number', (more) => {
    const tag = `${tagOfLease(lease).replace(/3$/, '')}${more}`;
    expect(Object.values(read('', { a: tag }).leases).map((l) => l.lease)).toEqual(['odd']);
  });

  it('property: it is read as it was written, and is a tag that LVM takes', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/);
    fc.assert(
      fc.property(name, name, name, fc.uuid(), fc.nat(), (farm, vm, server, boot, generation) => {
        const written = { farm, vm, uuid, server, boot, generation };
        const tag = tagOfLease(written);
        expect(tag).toMatch(/^[\w+./=!:&#-]{1,1024}$/);
        expect(read('', { a: `other,${tag}` }).leases[uuid]?.lease).toMatchObject(written);
      }),
    );
  });
});

describe('groups to be asked for', () => {
  it('are those of paths that may be volumes, each once', () => {
    expect(groupsOf(['/dev/vg0/a', '/dev/vg0/b', '/dev/sda', '/dev/mapper/x', '/dev/disk/by-id/y', '/srv/a'])).toEqual([
      '/dev/vg0/',
    ]);
  });
});
