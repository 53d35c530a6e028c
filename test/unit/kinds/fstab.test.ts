/** The lines of /etc/fstab that Reeve keeps: found, written and taken out, and nothing else touched. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fstabAt, fstabEntries, bootOptions, withEntry, withoutEntry } from '../../../src/kinds/repository/fstab.ts';

const debian = `# /etc/fstab: static file system information.
UUID=1 / ext4 errors=remount-ro 0 1

filer:/old  /srv/old/ nfs4 ro,hard 0 0
`;
const store = { name: 'vmstore', path: '/srv/vmstore', source: 'filer:/export/vmstore', options: 'vers=4.2' };

describe('fstab', () => {
  it('tells who mounts what, and which lines are Reeve’s', () => {
    expect(fstabEntries(withEntry(debian, store))).toMatchObject([
      { source: 'UUID=1', path: '/', type: 'ext4', options: 'errors=remount-ro', ours: false },
      { source: 'filer:/old', path: '/srv/old', type: 'nfs4', options: 'ro,hard', ours: false },
      {
        source: store.source,
        path: store.path,
        type: 'nfs',
        options: '_netdev,nofail,x-systemd.before=xendomains.service,vers=4.2',
        ours: true,
      },
    ]);
    expect(fstabAt(debian, '/srv/vmstore')).toBeUndefined();
  });

  it('gets a line at its end, and loses it again to the byte', () => {
    const text = withEntry(debian, store);
    expect(text).toBe(
      `${debian}# Reeve keeps the next line: repository vmstore\nfiler:/export/vmstore /srv/vmstore nfs _netdev,nofail,x-systemd.before=xendomains.service,vers=4.2 0 0\n`,
    );
    expect(withoutEntry(text, store.path)).toBe(debian);
    expect(withEntry('', store).startsWith('# Reeve')).toBe(true);
  });

  it('changes a line of its own, and leaves a person’s alone', () => {
    const twice = withEntry(withEntry(debian, store), { ...store, options: '' });
    expect(twice.match(/vmstore nfs/g)).toHaveLength(1);
    expect(fstabAt(twice, store.path)?.options).toBe(bootOptions(''));
    const own = `${debian}filer:/export/vmstore /srv/vmstore nfs hard 0 0\n`;
    expect(withoutEntry(own, store.path)).toBe(own);
  });

  it('writes blanks of a path as fstab wants them, and ends a last line that has no end', () => {
    const text = withEntry('a /b c d 0 0', { ...store, path: '/srv/vm store' });
    expect(text.split('\n')[2]).toContain(' /srv/vm\\040store nfs ');
    expect(fstabAt(text, '/srv/vm store')?.ours).toBe(true);
  });

  it('property: whatever stands there, a line that is put in and taken out leaves it as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '/', ' ', '#', '\\', '0') })), (lines) => {
        const text = lines.map((l) => `${l}\n`).join('');
        expect(withoutEntry(withEntry(text, store), store.path)).toBe(text);
      }),
    );
  });
});
