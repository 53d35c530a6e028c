/** Who uses a path: by domain and by cfg, exactly and in a folder, and in a cfg that nobody can read. */
import { expect, it } from 'vitest';
import { namesOf, pathsUsed, usersIn, usersOn } from '../../../src/kinds/server/users.ts';
import { after, disk, farm, observed, plan, server, spec } from '../plan/world.ts';

const made = farm([
  spec('web', {
    servers: ['a'],
    boot: { kernel: '/srv/boot/vmlinuz', ramdisk: undefined, cmdline: undefined },
    disks: { xvda: disk('/srv/store/web.img') },
  }),
]);
const empty = observed({ a: server({ paths: { '/srv/store/web.img': 'there', '/srv/boot/vmlinuz': 'there' } }) });
const seen = after(empty, plan(made, empty).operations);
const [a] = [...seen.values()];
if (a?.is !== 'seen') throw new Error('nothing was made');

it('is known of disks and kernels, of domains and cfgs, each by name and UUID', () => {
  const users = usersIn(seen);
  expect(users.of('/srv/store/web.img')).toHaveLength(2);
  expect(new Set(users.of('/srv/store/web.img').map((u) => u.uuid)).size).toBe(1);
  expect(namesOf(users.of('/srv/boot/vmlinuz'))).toEqual(['web on a']);
  expect(users.of('/srv/store/web')).toEqual([]);
  expect(pathsUsed(a)).toContain('/srv/boot/vmlinuz');
});

it('is known of a folder, and not of one whose name only begins so', () => {
  const users = usersIn(seen);
  expect(namesOf(users.beneath('/srv'))).toEqual(['web on a']);
  expect(namesOf(users.beneath('/srv/store'))).toEqual(['web on a']);
  expect(users.beneath('/srv/sto')).toEqual([]);
});

it('is said of a cfg that cannot be read, where its text has the path', () => {
  const text = 'disk = [ "/srv/store/old.img,raw,xvda" \n';
  const odd = {
    path: '/etc/xen/odd.cfg',
    text,
    digest: 'd',
    exact: 'd',
    config: undefined,
    problem: 'line 2',
    marker: null,
  };
  const users = usersOn('b', server({ records: [{ ...odd, autostart: [] }] }));
  expect(namesOf(users.of('/srv/store/old.img'))).toEqual(['/etc/xen/odd.cfg on b']);
  expect(namesOf(users.beneath('/srv/store'))).toEqual(['/etc/xen/odd.cfg on b']);
  expect(users.beneath('/srv/other')).toEqual([]);
});
