import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openConsole, type Terminal } from '../../../src/transport/index.ts';
import { newHome, newKey, specOf, startSshd, testEnv, type Home, type Sshd } from './sshd.ts';

const key = newKey();
const hostKey = newKey();
let home: Home;
let server: Sshd;

beforeEach(async () => {
  home = newHome();
  home.ssh('id_ed25519', key.private);
  server = await startSshd({ hostKeys: [hostKey], user: 'root', authorized: [key] });
  home.ssh('known_hosts', server.known.join('\n'));
});
afterEach(async () => {
  await server.close();
  home.remove();
});

/** A person's terminal: what is typed, what is shown, and whether keys are passed on. */
const sitDown = () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const raw: boolean[] = [];
  let shown = '';
  let size = { columns: 100, rows: 30 };
  let resized: (() => void) | null = null;
  const waiting: { text: string; go: () => void }[] = [];
  output.on('data', (data: Buffer) => {
    shown += data.toString('utf8');
    for (const w of waiting) if (shown.includes(w.text)) w.go();
  });
  const terminal: Terminal = {
    input,
    output,
    type: 'xterm-256color',
    size: () => size,
    onResize: (listener) => {
      resized = listener;
      return () => {
        resized = null;
      };
    },
    raw: (on) => raw.push(on),
  };
  return {
    terminal,
    type: (text: string) => input.write(text),
    shown: () => shown,
    until: (text: string) =>
      new Promise<void>((go) => {
        if (shown.includes(text)) go();
        else waiting.push({ text, go });
      }),
    resize: (columns: number, rows: number) => {
      size = { columns, rows };
      resized?.();
    },
    raw,
    listens: () => resized !== null,
  };
};

const talk = ['sh', '-c', 'echo ready; read -r a; echo "got $a"; read -r b; echo "then $b"; exit 3'];

const open = (terminal: Terminal, argv: readonly string[] = talk, connected: () => void = () => {}) =>
  openConsole(specOf('dom1', '127.0.0.1', { port: server.port }), testEnv(home), argv, terminal, connected);

test('keys go there, what is printed comes here, until the command ends', async () => {
  const person = sitDown();
  const said: string[] = [];
  const ended = open(person.terminal, talk, () => said.push(`connected, shown: ${JSON.stringify(person.shown())}`));
  await person.until('ready');
  expect(person.raw).toEqual([true]);
  person.type("it's\n");
  await person.until("got it's");
  person.resize(120, 40);
  person.type('more\n');
  expect(await ended).toBe(3);
  expect(person.shown()).toBe("ready\ngot it's\nthen more\n");
  expect(said).toEqual(['connected, shown: ""']);
  expect(server.ptys).toEqual(['xterm-256color 100x30', '120x40']);
  expect(person.raw).toEqual([true, false]);
  expect(person.listens()).toBe(false);
  expect(person.terminal.input.isPaused()).toBe(true);
});

test('the command reaches the server as arguments, each quoted', async () => {
  const person = sitDown();
  expect(await open(person.terminal, ['printf', '%s|', 'a b', "it's", '$HOME'])).toBe(0);
  expect(person.shown()).toBe("a b|it's|$HOME|");
  expect(server.commands[0]).toMatch(/reeve-console 'printf' '%s\|' 'a b' 'it'\\''s' '\$HOME'$/);
});

test('a connection that gets lost gives the terminal back and says so', async () => {
  const person = sitDown();
  const ended = open(person.terminal);
  await person.until('ready');
  server.cut();
  expect(await ended).toMatchObject({ is: 'unknown', reason: 'lost' });
  expect(person.raw).toEqual([true, false]);
});

test('a server that gives no terminal is told, and nothing runs', async () => {
  server.givesPty = false;
  const person = sitDown();
  const said: string[] = [];
  expect(await open(person.terminal, talk, () => said.push('connected'))).toMatchObject({
    is: 'unknown',
    reason: 'permission',
    why: 'dom1 (127.0.0.1): the SSH server gives no terminal to this user',
  });
  expect(said).toEqual([]);
  expect(person.raw).toEqual([]);
  expect(server.commands).toEqual([]);
});

test('a server that cannot be reached is told', async () => {
  const person = sitDown();
  const spec = specOf('dom1', '127.0.0.1', { port: 1 });
  expect(await openConsole(spec, testEnv(home), talk, person.terminal, () => {})).toMatchObject({
    is: 'unknown',
    reason: 'unreachable',
  });
});

test('on this machine itself the command gets the terminal as it is', async () => {
  const person = sitDown();
  const spec = specOf('here', 'local', { sudo: false });
  expect(await openConsole(spec, testEnv(home), ['sh', '-c', 'exit 7'], person.terminal, () => {})).toBe(7);
  const none = await openConsole(spec, testEnv(home), ['/nonexistent/xl'], person.terminal, () => {});
  expect(none).toMatchObject({ is: 'unknown', why: expect.stringContaining('/nonexistent/xl cannot be started') });
  expect(person.raw).toEqual([]);
});
