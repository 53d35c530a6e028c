import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { probe } from '../../../src/cli/outside.ts';

test('a probe answers where something listens, and nowhere else', async () => {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await probe('127.0.0.1', port, 5000)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect(await probe('127.0.0.1', port, 5000)).toBe(false);
});

test('a name that nobody knows, and a time that is over at once, are no answer and no error', async () => {
  expect(await probe('nobody.invalid', 80, 5000)).toBe(false);
  expect(await probe('192.0.2.1', 80, 1)).toBe(false);
});
