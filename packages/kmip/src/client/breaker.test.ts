import assert from 'node:assert/strict';
import test from 'node:test';
import { Breaker } from './breaker.ts';

const options = { failures: 2, pause: 1000, longest: 5000 };

/** A breaker with a clock of its own; chance takes nothing off its pauses unless it is told to. */
function breaker(chance = 0) {
  const clock = { now: 0 };
  return {
    clock,
    breaker: new Breaker(
      options,
      () => clock.now,
      () => chance,
    ),
  };
}

test('a server is left alone after so many failures in a row, and told once', () => {
  const { breaker: one } = breaker();
  assert.equal(one.failed(), false);
  assert.equal(one.state, 'closed');
  assert.equal(one.failed(), true);
  assert.equal(one.state, 'open');
});

test('a success in between starts the count anew', () => {
  const { breaker: one } = breaker();
  one.failed();
  assert.equal(one.succeeded(), false);
  one.failed();
  assert.equal(one.state, 'closed');
});

test('after the pause one probe may go; a failed one doubles the pause, up to the longest', () => {
  const { breaker: one, clock } = breaker();
  one.failed();
  one.failed();
  for (const pause of [1000, 2000, 4000, 5000, 5000]) {
    clock.now += pause - 1;
    assert.equal(one.state, 'open', `${pause}`);
    clock.now += 1;
    assert.equal(one.state, 'half-open', `${pause}`);
    assert.equal(one.failed(), false);
  }
  assert.equal(one.succeeded(), true);
  assert.equal(one.state, 'closed');
});

test('requests that fail together do not lengthen the pause', () => {
  const { breaker: one, clock } = breaker();
  for (let i = 0; i < 50; i++) one.failed();
  clock.now = 1000;
  assert.equal(one.state, 'half-open');
});

test('chance takes up to a half off a pause', () => {
  const { breaker: one, clock } = breaker(0.999);
  one.failed();
  one.failed();
  clock.now = 500;
  assert.equal(one.state, 'open');
  clock.now = 501;
  assert.equal(one.state, 'half-open');
});
