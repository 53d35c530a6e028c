/** What `ps` tells of operations and migrations, as procps and BusyBox print it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseUnderWay } from '../../../../src/toolstacks/xl/read/under-way.ts';
import { opText } from '../../../../src/transport/index.ts';
import { shells } from '../../transport/shells.ts';

const known = [
  { domid: 5, name: 'web', uuid: 'u-web' },
  { domid: 7, name: 'db', uuid: 'u-db' },
  { domid: 9, name: 'web--incoming', uuid: 'u-web' },
];
const ssh = 'ssh -i /root/.ssh/reeve-migration -o BatchMode=yes';

describe('what is under way', () => {
  it.each([
    [`xl migrate -s ${ssh} 5 10.77.0.2`, { operation: null, ofRun: false, doing: 'xl migrate', uuid: 'u-web' }],
    ['/usr/sbin/xl migrate --live db dom02', { operation: null, ofRun: false, doing: 'xl migrate', uuid: 'u-db' }],
    ['xl save -c db /srv/db.save', { operation: null, ofRun: false, doing: 'xl save', uuid: 'u-db' }],
    [
      '/usr/lib/xen-4.17/bin/libxl-save-helper --restore-domain 8 9 9 3 0 2 0 1 0 0 0 0',
      { operation: null, ofRun: false, doing: 'libxl-save-helper', uuid: 'u-web' },
    ],
    [
      `timeout -k 5 14400 xl migrate -s ${ssh} 5 b`,
      { operation: null, ofRun: true, doing: 'xl migrate', uuid: 'u-web' },
    ],
    [
      `sh -c O=$1 C=$2; shift 2?echo "$$" >"$O/pg"? reeve-run /run/reeve/ops/3-web.migrate.0 echo "$$" >>"$0/pg"; exec timeout -k 5 "$@" 14400 xl migrate -s ${ssh} 5 b`,
      { operation: '3-web.migrate.0', ofRun: true, doing: 'xl migrate', uuid: 'u-web' },
    ],
    // Cut by a narrow ps.
    [
      'sh -c O=$1 reeve-run /run/reeve/ops/3-web.migrate.0 echo "$$" >>"$0/pg"; exec tim',
      { operation: '3-web.migrate.0', ofRun: true, doing: '', uuid: null },
    ],
  ])('%s', (args, said) => {
    expect(parseUnderWay(`      1 /sbin/init\n  20011 ${args}\n`, known)).toEqual([said]);
  });

  it('is nothing where daemons watch and tools read', () => {
    const idle = [
      'xl create -q /etc/xen/web.cfg',
      'xl migrate-receive',
      'xl restore /srv/x',
      'xl list',
      'timeout 20 sh -c x',
    ];
    expect(parseUnderWay(idle.map((a, i) => `${i + 2} ${a}\n`).join(''), known)).toEqual([]);
  });
});

const ask = 'ps -eo pid=,args=';
const busybox = spawnSync('sh', ['-c', `busybox ${ask}`]).status === 0;
const printers = [ask, ...(busybox ? [`busybox ${ask}`] : [])];

describe.each(shells)('an operation that %s started', (shell) => {
  it.each(printers)('is seen by %s', (ps) => {
    const dir = mkdtempSync(join(tmpdir(), 'reeve-under-way-'));
    mkdirSync(join(dir, 'ops'));
    writeFileSync(join(dir, 'epoch'), 'e1\n');
    const id = `1-${dir.slice(-6)}.fetch.0`;
    const started = spawnSync(shell, ['-c', opText, 'reeve-op', dir, 'e1', id, '60', 'sleep', '30']);
    expect(started.stdout.toString()).toBe('STARTED\n');
    const text = (): string => spawnSync('sh', ['-c', ps]).stdout.toString();
    const own = () => parseUnderWay(text(), []).filter((u) => u.operation === id);
    expect(own()).toEqual([{ operation: id, ofRun: true, doing: 'sleep', uuid: null }]);
    spawnSync(shell, ['-c', 'while read -r g; do kill -9 "-$g"; done <"$0"', join(dir, 'ops', id, 'pg')]);
  });
});
