import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Control, Locks } from '../../../src/core/port.ts';
import type { ExecStep } from '../../../src/core/step.ts';
import { openControl, openLocks, type TransportEnv } from '../../../src/transport/index.ts';
import { shells } from './shells.ts';
import { holder, newHome, newKey, program, specOf, startSshd, testEnv, type Home, type Sshd } from './sshd.ts';

const key = newKey();
const hostKey = newKey();

const run = (script: string, deadlineMs = 10_000): ExecStep => ({ do: 'exec', argv: ['sh', '-c', script], deadlineMs });
const is = (what: string) => (command: string) => command.includes(` reeve-${what} `);

describe.each(shells)('under %s', (shell) => {
  let home: Home;
  let server: Sshd;
  let controls: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    home = newHome();
    home.ssh('id_ed25519', key.private);
    server = await startSshd({ hostKeys: [hostKey], user: 'root', authorized: [key], shell });
    home.ssh('known_hosts', server.known[0] ?? '');
  });
  afterEach(async () => {
    server.onCommand = () => 'run';
    await Promise.all(controls.map((control) => control.close()));
    controls = [];
    await server.close();
    home.remove();
  });

  const control = (more: Partial<TransportEnv> = {}): Control => {
    const opened = openControl([specOf('dom1', '127.0.0.1', { port: server.port })], testEnv(home, more));
    controls.push(opened);
    return opened;
  };
  const locks = (): Locks => {
    const opened = openLocks([specOf('dom1', '127.0.0.1', { port: server.port })], testEnv(home));
    controls.push(opened);
    return opened;
  };
  const held = async (epoch: string, more: Partial<TransportEnv> = {}): Promise<Control> => {
    const opened = control(more);
    expect(await opened.hold('dom1', holder(epoch))).toEqual({ is: 'held' });
    return opened;
  };
  const log = (name = 'log'): string => join(home.dir, name);
  const logged = (name = 'log'): string => (existsSync(log(name)) ? readFileSync(log(name), 'utf8') : '');
  /** The first command of this kind meets `verdict`, all others run. */
  const once = (what: string, verdict: ReturnType<Sshd['onCommand']>): void => {
    let met = false;
    server.onCommand = (command) => {
      if (met || !is(what)(command)) return 'run';
      met = true;
      return verdict;
    };
  };
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  /** Its command has been given its process group. */
  const begun = (id: string): Promise<void> => {
    const groups = join(home.dir, 'run', 'ops', id, 'pg');
    return until(() => existsSync(groups) && readFileSync(groups, 'utf8').split('\n').length === 3);
  };

  test('nothing can be started or written before the lock is held', async () => {
    const c = control();
    expect(await c.start('dom1', 'a', run('true'))).toBe('fenced');
    expect(await c.file('dom1', { do: 'remove', path: log(), onlyIf: 'any' })).toBe('fenced');
    expect(server.commands).toEqual([]);
  });

  test('a second hold is busy and names the holder, until the first lets go', async () => {
    const first = await held('e1');
    const second = control();
    expect(await second.hold('dom1', holder('e2'))).toEqual({ is: 'busy', by: holder('e1') });
    expect(await first.start('dom1', 'a', run('true'))).toBe('started');
    await first.release();
    expect(await first.start('dom1', 'b', run('true'))).toBe('fenced');
    expect(await second.hold('dom1', holder('e2'))).toEqual({ is: 'held' });
  });

  test('an operation gives its exit code and both outputs, and has neither lock nor input', async () => {
    const c = await held('e1');
    const script =
      'ls -l /proc/self/fd 2>/dev/null | grep -c "busy\\|alive" ; cat; printf "\\303\\251" ; echo bad >&2; exit 3';
    expect(await c.start('dom1', 'op-1', run(script))).toBe('started');
    expect(await c.wait('dom1', 'op-1')).toEqual({ rc: 3, out: '0\né', err: 'bad\n' });
    expect(await c.wait('dom1', 'op-1')).toEqual({ rc: 3, out: '0\né', err: 'bad\n' });
    expect(await c.wait('dom1', 'other')).toBe('never');
  });

  test('an id starts once, however often it is sent', async () => {
    const c = await held('e1');
    const starts = await Promise.all(
      Array.from({ length: 6 }, () => c.start('dom1', 'a', run(`echo x >>${log()}; sleep 0.2`))),
    );
    expect(starts.filter((s) => s === 'started')).toHaveLength(1);
    expect(starts.filter((s) => s === 'already')).toHaveLength(5);
    expect(await c.wait('dom1', 'a')).toMatchObject({ rc: 0 });
    expect(logged()).toBe('x\n');
  });

  test('an id that is no safe file name is a bug', async () => {
    const c = await held('e1');
    for (const id of ['', '.', '../x', 'a/b', 'a b', '-x', 'x'.repeat(101)])
      await expect(c.start('dom1', id, run('true'))).rejects.toThrow(RangeError);
    await expect(c.wait('dom1', '../x')).rejects.toThrow(RangeError);
    await expect(c.hold('dom1', holder('a\nb'))).rejects.toThrow(RangeError);
  });

  test('the deadline of a command ends it', async () => {
    const c = await held('e1');
    expect(await c.start('dom1', 'a', run('sleep 30', 1000))).toBe('started');
    const result = await c.wait('dom1', 'a');
    expect(result).toMatchObject({ rc: expect.any(Number) });
    expect(result).not.toMatchObject({ rc: 0 });
  });

  test.each(['cut-before', 'cut-after'] as const)('a start that is %s still starts exactly once', async (verdict) => {
    const c = await held('e1');
    once('op', verdict);
    expect(await c.start('dom1', 'a', run(`echo x >>${log()}`))).toBe(verdict === 'cut-before' ? 'started' : 'already');
    expect(await c.wait('dom1', 'a')).toMatchObject({ rc: 0 });
    expect(logged()).toBe('x\n');
    expect(server.connections).toBe(2);
  });

  test.each(['cut-before', 'cut-after', { cutAfterBytes: 8 }] as const)(
    'a wait that is %s goes on',
    async (verdict) => {
      const c = await held('e1');
      expect(await c.start('dom1', 'a', run('sleep 0.3; echo done'))).toBe('started');
      once('wait', verdict);
      expect(await c.wait('dom1', 'a')).toEqual({ rc: 0, out: 'done\n', err: '' });
    },
  );

  test('a connection that goes while an operation runs is opened again, and the lock is taken again', async () => {
    const c = await held('e1');
    expect(await c.start('dom1', 'a', run('sleep 0.5; echo done'))).toBe('started');
    const waited = c.wait('dom1', 'a');
    await until(() => server.commands.some(is('wait')));
    server.cut();
    expect(await c.start('dom1', 'b', run('true'))).toBe('started');
    expect(await waited).toEqual({ rc: 0, out: 'done\n', err: '' });
    expect(await control().hold('dom1', holder('e2'))).toEqual({ is: 'busy', by: holder('e1') });
  });

  test.each(['cut-before', { cutAfterBytes: 1 }] as const)(
    'a hold that is %s is taken by the next try',
    async (verdict) => {
      once('hold', verdict);
      const c = await held('e1');
      expect(await c.start('dom1', 'a', run('true'))).toBe('started');
    },
  );

  test('a read survives a lost connection, too', async () => {
    const c = await held('e1');
    once('observe', 'cut-before');
    expect(await c.read('dom1', program('printf x'))).toMatchObject({ text: 'x' });
  });

  test('whoever took the lock meanwhile fences the one before for good', async () => {
    const first = await held('e1');
    // The first is cut off and cannot come back before the second has taken over.
    server.onCommand = (command) => (command.includes("'e1'") ? 'cut-before' : 'run');
    server.cut();
    const second = await held('e2');
    server.onCommand = () => 'run';
    expect(await first.start('dom1', 'late', run(`echo late >>${log()}`))).toBe('fenced');
    expect(
      await first.file('dom1', { do: 'write', path: log('cfg'), bytes: Buffer.from('x'), mode: 0o600, onlyIf: 'any' }),
    ).toBe('fenced');
    expect(await first.hold('dom1', holder('e1'))).toMatchObject({ is: 'busy' });
    await second.release();
    expect(await first.hold('dom1', holder('e1'))).toMatchObject({ is: 'busy' });
    expect(logged() + logged('cfg')).toBe('');
  });

  test('a holder who comes back after somebody else has come and gone is fenced, and told by whom', async () => {
    const first = await held('e1');
    server.onCommand = (command) => (command.includes("'e1'") ? 'cut-before' : 'run');
    server.cut();
    const second = await held('e2');
    await second.close();
    server.onCommand = () => 'run';
    expect(await first.hold('dom1', holder('e1'))).toEqual({ is: 'busy', by: holder('e2') });
    expect(await first.start('dom1', 'late', run('true'))).toBe('fenced');
  });

  test('a takeover waits for what still runs, and forgets it then', async () => {
    const first = await held('e1');
    expect(await first.start('dom1', 'long', run(`sleep 1; echo long >>${log()}`))).toBe('started');
    server.onCommand = (command) => (command.includes("'e1'") ? 'cut-before' : 'run');
    server.cut();
    await held('e2');
    expect(logged()).toBe('long\n');
    expect(readdirSync(join(home.dir, 'run', 'ops'))).toEqual([]);
    server.onCommand = () => 'run';
    expect(await first.wait('dom1', 'long')).toBe('lost');
  });

  test('a takeover waits for a command whose wrapper was killed, and so does wait, which then says lost', async () => {
    const first = await held('e1');
    expect(await first.start('dom1', 'long', run(`sleep 1.5; echo long >>${log()}`))).toBe('started');
    const groups = join(home.dir, 'run', 'ops', 'long', 'pg');
    await begun('long');
    expect(await first.start('dom1', 'kill', run(`kill -9 $(head -n1 ${groups})`))).toBe('started');
    await first.wait('dom1', 'kill');
    const waited = first.wait('dom1', 'long');
    await until(() => server.commands.filter(is('wait')).length === 2);
    await first.release();
    const second = control();
    const taken = second.hold('dom1', holder('e2'));
    expect(await waited).toBe('lost');
    expect(await taken).toEqual({ is: 'held' });
    expect(logged()).toBe('long\n');
  });

  test('look tells who has the lock and what runs, and changes nothing', async () => {
    const second = locks();
    expect(await second.look('dom1')).toEqual({ held: false, by: null, operations: [] });
    const first = await held('e1');
    expect(await first.start('dom1', '3-web.copy.0', run(`sleep 20; echo late >>${log()}`))).toBe('started');
    await begun('3-web.copy.0');
    expect(await second.look('dom1')).toEqual({
      held: true,
      by: holder('e1'),
      operations: [{ id: '3-web.copy.0', stuck: false, command: `sh -c sleep 20; echo late >>${log()}` }],
    });
    expect(await first.start('dom1', 'b', run('true'))).toBe('started');
    expect(await second.breakLock('dom1', holder('e2'), ['3-web.copy.0'])).toEqual([]);
  });

  test('breaking a lock fences its holder for good, ends what it is told to, and keeps nothing', async () => {
    const first = await held('e1');
    expect(await first.start('dom1', 'a', run(`trap '' TERM; sleep 90; echo a >>${log()}`, 90_000))).toBe('started');
    const spared = `until [ -e ${log()}.go ]; do sleep 1; done; echo b >>${log()}`;
    expect(await first.start('dom1', 'b', run(spared, 90_000))).toBe('started');
    for (const id of ['a', 'b']) await begun(id);
    const second = locks();
    expect(await second.breakLock('dom1', holder('e2'), ['a'])).toEqual([
      { id: 'b', stuck: false, command: `sh -c ${spared}` },
    ]);
    expect(await first.start('dom1', 'late', run(`echo late >>${log()}`))).toBe('fenced');
    expect(await first.hold('dom1', holder('e1'))).toMatchObject({ is: 'busy', by: holder('e2') });
    // What was left is waited for by whoever comes next.
    writeFileSync(`${log()}.go`, '');
    expect(await control().hold('dom1', holder('e3'))).toEqual({ is: 'held' });
    expect(logged()).toBe('b\n');
  }, 120_000);

  test('a holder who goes silent loses the lock', async () => {
    const c = await held('e1', { deadlines: { beat: 60_000, silence: 1000 } });
    const second = control();
    expect(await second.hold('dom1', holder('e2'))).toMatchObject({ is: 'busy' });
    let taken = await second.hold('dom1', holder('e2'));
    while (taken.is === 'busy') taken = await second.hold('dom1', holder('e2'));
    expect(taken).toEqual({ is: 'held' });
    expect(await c.start('dom1', 'late', run('true'))).toBe('fenced');
  });

  test('a drain that takes too long is told', async () => {
    const first = await held('e1');
    await first.start('dom1', 'long', run('sleep 2'));
    await first.release();
    const second = control({ deadlines: { drain: 500 } });
    expect(await second.hold('dom1', holder('e2'))).toMatchObject({
      reason: 'timeout',
      why: expect.stringContaining('operations of an earlier run'),
    });
  });

  test('a folder for locks that cannot be made is told', async () => {
    writeFileSync(log('file'), '');
    const c = control({ dir: join(log('file'), 'run') });
    expect(await c.hold('dom1', holder('e1'))).toMatchObject({
      reason: 'permission',
      why: expect.stringMatching(/cannot write to .*Not a directory/i),
    });
  });

  test('eight commands at a time, and always room for short ones beside long waits', async () => {
    // It counts, and times nothing: a busy machine may be as slow as it likes.
    const c = await held('e1', { deadlines: { connect: 30_000, silence: 30_000, margin: 30_000 } });
    const ids = Array.from({ length: 9 }, (_, n) => `op-${n}`);
    const go = log('go');
    for (const id of ids)
      expect(await c.start('dom1', id, run(`while [ ! -e ${go} ]; do sleep 0.1; done`, 50_000))).toBe('started');
    const waited = Promise.all(ids.map((id) => c.wait('dom1', id)));
    await until(() => server.commands.filter(is('wait')).length === 6);
    const reads = Array.from({ length: 12 }, () => c.read('dom1', program('sleep 0.1; printf x')));
    expect(await Promise.all(reads)).toHaveLength(12);
    expect(server.mostRunning).toBe(9);
    writeFileSync(go, '');
    expect((await waited).every((r) => typeof r === 'object' && 'rc' in r && r.rc === 0)).toBe(true);
    expect(server.mostRunning).toBe(9);
    expect(server.connections).toBe(1);
  });

  test('a server that was never reached is not waited for', async () => {
    await server.close();
    expect(await control().hold('dom1', holder('e1'))).toMatchObject({ reason: 'unreachable' });
  });

  test('closing lets go of the lock and ends the connection', async () => {
    const first = await held('e1');
    await first.close();
    expect(await held('e2')).toBeDefined();
    expect(await first.read('dom1', program('true'))).toMatchObject({ is: 'unknown' });
  });
});
