/** What a dom0 says of its storage, and what an operation on a repository comes to. */
import { describe, expect, it } from 'vitest';
import { withEntry } from '../../../../src/kinds/repository/fstab.ts';
import { noStorage, type Storage, type StoreSeen } from '../../../../src/kinds/repository/live.ts';
import type { RepositoryOp } from '../../../../src/kinds/repository/ops.ts';
import type { ServerSeen } from '../../../../src/kinds/server/live.ts';
import type { Step } from '../../../../src/core/step.ts';
import { commands } from '../../../../src/toolstacks/xl/lower/commands.ts';
import type { Op } from '../../../../src/kinds/plan.ts';
import type { VmOp } from '../../../../src/kinds/vm/ops.ts';
import { holds } from '../../../../src/kinds/server/holds.ts';
import { rescue } from '../../../../src/toolstacks/xl/lower/rescue.ts';
import { lower } from '../../../../src/toolstacks/xl/lower/index.ts';
import { parseMarker, parseMounts, parseStores } from '../../../../src/toolstacks/xl/read/storage.ts';
import { toldIn } from '../../../../src/toolstacks/xl/read/told.ts';
import { server as serverOf } from './ops.ts';

const uuid = '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02';
const marker = { format: 1 as const, farm: 'acme', repository: 'vmstore', uuid };

describe('mounts', () => {
  it('are read with the blanks of their names', () => {
    expect(parseMounts('filer:/a\\040b /srv/a\\134b nfs4 rw 0 0\ncut\n')).toEqual([
      { source: 'filer:/a b', path: '/srv/a\\b', type: 'nfs4' },
    ]);
  });
});

const storesIn = (text: string, asked: readonly string[]): Storage['stores'] =>
  parseStores(toldIn(Buffer.from(`${text}\n`)), asked).stores;

describe('stores', () => {
  it('are made of whole lines, whichever pieces stand between', () => {
    const text = '1 store /a/\n2+store \n1+marker {"format":\n2 /b/\n1 folder\n2 end\n1 2}\n1 end\n3+store /c/\n';
    expect(toldIn(Buffer.from(text))).toEqual(
      new Map([
        [1, ['store /a/', 'marker {"format":folder', '2}', 'end']],
        [2, ['store /b/', 'end']],
      ]),
    );
    const split = Buffer.concat([
      Buffer.from('0+line '),
      Buffer.from([0xc3]),
      Buffer.from('\n0 '),
      Buffer.from([0xa9, 10]),
    ]);
    expect(toldIn(split)).toEqual(new Map([[0, ['line é']]]));
  });

  const df = 'df filer:/x y 100 40 60 40% /srv/vmstore';
  it.each<[string, readonly string[], unknown]>([
    [
      'whole',
      ['folder', `marker ${JSON.stringify(marker)}`, 'used', df, 'end'],
      { marker, empty: false, space: { size: 100, free: 60 }, disks: {}, images: {}, leases: {}, saved: [] },
    ],
    [
      'new',
      ['folder', df, 'end'],
      { marker: null, empty: true, space: { size: 100, free: 60 }, disks: {}, images: {}, leases: {}, saved: [] },
    ],
    [
      'without space told',
      ['folder', 'used', 'df ', 'end'],
      { marker: null, empty: false, space: null, disks: {}, images: {}, leases: {}, saved: [] },
    ],
    [
      'with an odd marker',
      ['folder', 'marker {"format":2}', 'used', 'end'],
      { marker: 'odd', empty: false, space: null, disks: {}, images: {}, leases: {}, saved: [] },
    ],
  ])('that are %s', (_, lines, store) => {
    const text = ['0 there /k', '1 store /srv/vmstore/', ...lines.map((l) => `1 ${l}`)].join('\n');
    expect(storesIn(text, ['/srv/vmstore/'])).toEqual({ '/srv/vmstore': { is: 'there', ...(store as object) } });
  });

  it('that are missing, dead, or were not come to, whatever the order of their lines', () => {
    const text = '2 store /b/\n1 store /a/\n2 folder\n1 end\n7 end\n';
    expect(storesIn(text, ['/a/', '/b/', '/c/'])).toEqual({
      '/a': { is: 'missing' },
      '/b': { is: 'stuck' },
      '/c': { is: 'stuck' },
    });
  });

  it('are told apart by their path: a recorded answer may be of another list', () => {
    expect(storesIn('1 store /b/\n1 end\n', ['/a/', '/b/'])).toEqual({
      '/a': { is: 'stuck' },
      '/b': { is: 'missing' },
    });
  });

  it.each(['', 'x', '[]', '{"format":1,"farm":"f"}', '{"format":1,"farm":1,"repository":"r","uuid":"u"}'])(
    'a marker that is none: %s',
    (text) => expect(parseMarker(text)).toBe('odd'),
  );
});

const base = {
  repository: { kind: 'repository' as const, name: 'p/vmstore' },
  server: 'a',
  farm: 'acme',
  name: 'vmstore',
  type: 'nfs' as const,
  path: '/srv/vmstore',
  source: 'filer:/vmstore',
};
const attach: RepositoryOp = { ...base, verb: 'attach-repository', options: 'vers=4.2', mount: true, persist: true };
const mark: RepositoryOp = { ...base, verb: 'mark-repository', uuid: null, fresh: uuid };
const detach: RepositoryOp = { ...base, verb: 'detach-repository', mounted: true, persisted: true, booked: true };

const on = (storage: Partial<Storage>): ServerSeen => ({ ...serverOf([]), storage: { ...noStorage, ...storage } });
const steps = (op: Op, seen: ServerSeen): readonly string[] => {
  const lowered = lower(op, seen, new Map());
  if ('unsupported' in lowered) return [lowered.unsupported];
  const said = (s: Step): string => {
    if (s.do === 'exec') return s.argv.join(' ');
    return s.do === 'write' ? `write ${s.path} if ${s.onlyIf}: ${new TextDecoder().decode(s.bytes)}` : s.do;
  };
  return lowered.steps.map(said);
};
const newBook = `{
  "format": 1,
  "farm": "acme",
  "repositories": {
    "vmstore": {
      "path": "/srv/vmstore",
      "uuid": "${uuid}"
    }
  }
}
`;

describe('an operation', () => {
  it('attaches: folder, mount, fstab', () => {
    expect(steps(attach, on({ fstab: { text: '# here\n', digest: 'd1' } }))).toEqual([
      'mkdir -p /srv/vmstore',
      'mount -t nfs -o _netdev,nofail,vers=4.2 filer:/vmstore /srv/vmstore',
      `write /etc/fstab if d1: ${withEntry('# here\n', { ...base, options: 'vers=4.2' })}`,
    ]);
    expect(commands(attach)).toEqual([
      'mkdir -p /srv/vmstore',
      'mount -t nfs -o _netdev,nofail,vers=4.2 filer:/vmstore /srv/vmstore',
      'write /etc/fstab',
    ]);
  });

  it('marks a new store, and remembers it', () => {
    const stores: Storage['stores'] = {
      '/srv/vmstore': {
        is: 'there',
        marker: null,
        empty: true,
        space: null,
        disks: {},
        images: {},
        leases: {},
        saved: [],
      },
    };
    expect(steps(mark, on({ stores }))).toEqual([
      `write /srv/vmstore/.reeve.json if absent: ${JSON.stringify(marker)}\n`,
      'mkdir -p /etc/reeve',
      `write /etc/reeve/repositories.json if absent: ${newBook}`,
    ]);
  });

  it('only remembers one that is marked', () => {
    const stores: Storage['stores'] = {
      '/srv/vmstore': {
        is: 'there',
        marker,
        empty: false,
        space: null,
        disks: {},
        images: {},
        leases: {},
        saved: [],
      },
    };
    expect(
      steps(mark, on({ stores, book: { value: { format: 1, farm: 'acme', repositories: {} }, digest: 'b1' } })),
    ).toEqual(['mkdir -p /etc/reeve', `write /etc/reeve/repositories.json if b1: ${newBook}`]);
  });

  it('marks nothing that another server should have marked, nor over a book that it cannot read', () => {
    const stores: Storage['stores'] = {
      '/srv/vmstore': {
        is: 'there',
        marker: null,
        empty: true,
        space: null,
        disks: {},
        images: {},
        leases: {},
        saved: [],
      },
    };
    const waits = lower({ ...mark, fresh: null }, on({ stores }), new Map());
    expect('before' in waits && waits.before.map((c) => [c.is, holds(c, on({ stores }))])).toContainEqual([
      'store',
      '/srv/vmstore has no marker of repository vmstore: is the right thing mounted there?',
    ]);
    expect(steps(mark, on({ stores, book: { value: 'odd', digest: 'b' } }))).toEqual([
      expect.stringMatching(/repositories\.json cannot be read/),
    ]);
  });

  it('holds a foreign marker against the condition, and writes nothing', () => {
    const stores: Storage['stores'] = {
      '/srv/vmstore': {
        is: 'there',
        marker: { ...marker, farm: 'other' },
        empty: false,
        space: null,
        disks: {},
        images: {},
        leases: {},
        saved: [],
      },
    };
    const lowered = lower(mark, on({ stores }), new Map());
    expect('before' in lowered && lowered.before.map((c) => c.is)).toEqual(['mounted', 'folder', 'store']);
  });

  it('detaches: no boot mounts it again, then it is unmounted, then forgotten', () => {
    const fstab = { text: withEntry('# here\n', { ...base, options: '' }), digest: 'd1' };
    const book: Storage['book'] = {
      value: { format: 1, farm: 'acme', repositories: { vmstore: { path: base.path, uuid }, x: { path: '/x', uuid } } },
      digest: 'b1',
    };
    const [line, umount, mkdir, forgotten, ...rest] = steps(detach, on({ fstab, book }));
    expect([line, umount, mkdir, rest]).toEqual([
      'write /etc/fstab if d1: # here\n',
      'umount /srv/vmstore',
      'mkdir -p /etc/reeve',
      [],
    ]);
    expect(forgotten).not.toContain('vmstore');
    expect(forgotten).toContain('/x');
  });
});

describe('a blank disk', () => {
  const make = (format: string): VmOp => ({
    vm: { kind: 'vm', name: 'web' },
    server: 'a',
    uuid,
    name: 'web',
    verb: 'make-disk',
    from: null,
    vdev: 'xvda',
    path: `/srv/vmstore/disks/web-xvda-1.${format}`,
    farm: 'acme',
    repository: 'vmstore',
    folder: '/srv/vmstore',
    size: 1024 * 1024,
    format,
  });
  it('is made beside its name, marked, and renamed when it is whole', () => {
    const path = '/srv/vmstore/disks/web-xvda-1.raw';
    const owner = { format: 1, farm: 'acme', vm: 'web', uuid, vdev: 'xvda', size: 1024 * 1024, as: 'raw' };
    expect(steps(make('raw'), on({}))).toEqual([
      'mkdir -p /srv/vmstore/disks',
      `rm -rf ${path}.part`,
      `mkdir -m 700 ${path}.part`,
      `truncate -s 1048576K ${path}.part/web-xvda-1.raw`,
      `chmod 600 ${path}.part/web-xvda-1.raw`,
      `write ${path}.reeve.json if any: ${JSON.stringify(owner)}\n`,
      `sh -c mv -n "$0/$1" "$2/" && rmdir "$0" ${path}.part web-xvda-1.raw /srv/vmstore/disks`,
    ]);
    expect(commands(make('qcow2'))[0]).toBe('qemu-img create -q -f qcow2 /srv/vmstore/disks/web-xvda-1.qcow2 1048576K');
  });

  it('is grown, and its marker after it', () => {
    const { verb: _, ...of } = make('qcow2') as Extract<VmOp, { verb: 'make-disk' }>;
    const grow: VmOp = { ...of, verb: 'grow-disk', from: 1024, size: 2048 };
    const lowered = lower(grow, on({}), new Map());
    expect('before' in lowered && lowered.before.map((c) => c.is)).toEqual(['store', 'stored', 'owned', 'domain']);
    expect(steps(grow, on({}))[0]).toBe(`qemu-img resize -q -f qcow2 ${of.path} 2048K`);
    expect(steps({ ...grow, format: 'raw' }, on({}))[0]).toBe(`qemu-img resize -q -f raw ${of.path} 2048K`);
    expect(steps(grow, on({}))[1]).toContain('"size":2048');
  });

  it('that failed leaves nothing half made; one that has its name stays', () => {
    const store: StoreSeen = {
      is: 'there',
      marker,
      empty: false,
      space: null,
      disks: {},
      images: {},
      leases: {},
      saved: [],
    };
    const path = '/srv/vmstore/disks/web-xvda-1.raw';
    const now = (is: 'there' | 'missing') => ({ ...on({ stores: { '/srv/vmstore': store } }), paths: { [path]: is } });
    expect(rescue(make('raw'), now('missing'), now('missing'))).toMatchObject([
      { argv: ['rm', '-rf', `${path}.part`, `${path}.reeve.json`] },
    ]);
    expect(rescue(make('raw'), now('missing'), now('there'))).toEqual([]);
  });

  it('is found with its owner; a marker without a disk, and a disk without one, are told as well', () => {
    const owner = { format: 1, farm: 'acme', vm: 'web', uuid, vdev: 'xvda', size: 1024, as: 'raw' };
    const text = [
      '1 store /srv/vmstore/',
      '1 folder',
      '1 disk a.raw',
      '1 disk a.raw.reeve.json',
      `1 owner a.raw.reeve.json/${JSON.stringify(owner)}`,
      '1 disk b.raw.reeve.json',
      '1 owner b.raw.reeve.json/{"format":1}',
      '1 disk c.img',
      '1 blocks 3 a.raw',
      '1 blocks 8 b.raw',
      '1 blocks 8 c.img',
      '1 blocks x d',
      '1 end',
    ].join('\n');
    const store = storesIn(text, ['/srv/vmstore/'])['/srv/vmstore'];
    expect(store?.is === 'there' && store.disks).toEqual({
      'a.raw': { there: true, marker: owner, allocated: 2 },
      'b.raw': { there: false, marker: 'odd' },
      'c.img': { there: true, marker: null },
    });
  });
});
