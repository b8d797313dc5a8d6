// What scenarios are written with. It runs in Node and in web pages alike.

const PATIENCE = 20_000;

// Ends the waiting of a scenario that would wait for ever.
export function within(promise, what, explain = () => "") {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}${explain()}`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

// Compares by what the values are as JSON.
export function equal(actual, expected, what) {
  const [left, right] = [actual, expected].map((value) => JSON.stringify(value));
  ok(left === right, `${what}:\n  expected ${shorten(right)}\n  got      ${shorten(left)}`);
}

// The numbered texts `prefix 1`, `prefix 2`, …
export function numbered(prefix, count) {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index + 1}`);
}

function shorten(text = "undefined") {
  return text.length > 1500 ? `${text.slice(0, 1500)}… (${text.length} characters)` : text;
}

export const PASSWORD = "correct horse battery";

// A signed-in user of the REST API.
export class Person {
  // What people do by REST goes to the server itself, also while the road to it is cut.
  constructor(scenario, username, answer) {
    this.scenario = scenario;
    this.username = username;
    this.token = answer.accessToken;
    this.id = answer.user.id;
  }

  static async signUp(scenario, name) {
    const unique = Array.from({ length: 12 }, () => Math.floor(Math.random() * 36).toString(36)).join("");
    const username = `${name}-${unique}`;
    const answer = await rest(scenario.server, "POST", "/auth/signup", { username, password: PASSWORD });
    return new Person(scenario, username, answer);
  }

  // The same user with a session of its own.
  async logIn() {
    const body = { login: this.username, password: PASSWORD };
    const answer = await rest(this.scenario.server, "POST", "/auth/login", body);
    return new Person(this.scenario, this.username, { user: { id: this.id }, ...answer });
  }

  get(path) {
    return rest(this.scenario.server, "GET", path, undefined, this.token);
  }

  post(path, body) {
    return rest(this.scenario.server, "POST", path, body, this.token);
  }

  // Opens the conversation with another user; its id.
  async open(other) {
    return (await this.post("/conversations/direct", { userId: other.id })).id;
  }

  send(conversation, text) {
    return this.post(`/conversations/${conversation}/messages`, { text });
  }

  async sendAll(conversation, texts) {
    for (const text of texts) await this.send(conversation, text);
  }

  // Sends ten at a time, so that the order is the store's; the texts of the conversation.
  async sendQuickly(conversation, texts) {
    const left = [...texts];
    const sender = async () => {
      while (left.length > 0) await this.send(conversation, left.shift());
    };
    await Promise.all(Array.from({ length: 10 }, sender));
    return this.texts(conversation);
  }

  // The texts of a conversation, in order.
  async texts(conversation) {
    const texts = [];
    for (let after = 0; ; ) {
      const { items } = await this.get(`/conversations/${conversation}/messages?afterSeq=${after}&limit=100`);
      if (items.length === 0) return texts;
      texts.push(...items.map((message) => message.text));
      after = items.at(-1).seq;
    }
  }
}

// One request; the JSON of its answer. A problem is thrown, with the problem document as `problem`.
export async function rest(url, method, path, body, token) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  const response = await within(fetch(`${url}/api/v1${path}`, request), `the answer to ${method} ${path}`);
  const text = await response.text();
  const answer = text === "" ? null : JSON.parse(text);
  if (response.ok) return answer;
  throw Object.assign(new Error(`${method} ${path}: ${text}`), { problem: answer });
}

// A stock client that writes down what happens to it.
export class Client {
  constructor(io, address, options) {
    this.log = [];
    this.watchers = new Set();
    this.socket = io(address, {
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      autoConnect: false,
      ...options,
    });
    this.socket.onAny((event, ...args) => this.note({ event, args }));
    this.socket.on("connect", () => {
      this.note({ event: "connect", args: [], id: this.socket.id, recovered: this.socket.recovered });
    });
    this.socket.on("connect_error", (error) => this.note({ event: "connect_error", args: [error.message], error }));
    this.socket.on("disconnect", (reason) => this.note({ event: "disconnect", args: [reason] }));
    this.socket.connect();
  }

  note(entry) {
    this.log.push(entry);
    for (const watcher of this.watchers) watcher();
  }

  // Waits until the condition holds, which is asked after each event.
  until(what, condition) {
    return within(
      new Promise((resolve, reject) => {
        const watcher = () => {
          try {
            const found = condition();
            if (!found) return;
            this.watchers.delete(watcher);
            resolve(found);
          } catch (error) {
            this.watchers.delete(watcher);
            reject(error);
          }
        };
        this.watchers.add(watcher);
        watcher();
      }),
      what,
      () => `; so far:\n  ${this.story()}`,
    );
  }

  // Each occurrence of an event, in order.
  all(event) {
    return this.log.filter((entry) => entry.event === event);
  }

  // Waits for the nth occurrence of an event, the first one if nothing is said.
  nth(event, n = 1) {
    return this.until(`${event} (${n})`, () => this.all(event)[n - 1]);
  }

  // Waits until it is connected for the nth time, and what that connection begins with has come as well.
  async connected(n = 1) {
    const entry = await this.nth("connect", n);
    const after = this.log.indexOf(entry);
    await this.until(`ready (${n})`, () => this.log.slice(after).some((entry) => entry.event === "ready"));
    return entry;
  }

  // The texts of the messages that have come, in order.
  texts() {
    return this.all("message.created").map(({ args }) => args[0].text);
  }

  // Waits until a message with this text has come; then that exactly these have come, in this order.
  async receives(texts, what) {
    const last = texts.at(-1);
    await this.until(`${what}: the message "${last}"`, () => this.texts().includes(last));
    equal(this.texts(), texts, what);
  }

  // Sends a command; its acknowledgement.
  emit(command, ...data) {
    return within(this.socket.emitWithAck(command, ...data), `the answer to ${command}`);
  }

  // Ends the connection below, as when the network goes; the client comes back by itself.
  drop() {
    this.socket.io.engine.close();
  }

  // Waits until the connection below speaks by this transport.
  async transport(name) {
    const { engine } = this.socket.io;
    if (engine.transport.name === name) return;
    const upgraded = new Promise((resolve) => engine.once("upgrade", resolve));
    await within(upgraded, `the upgrade to ${name}`);
    equal(engine.transport.name, name, "the transport after the upgrade");
  }

  close() {
    this.socket.disconnect();
  }

  story() {
    const lines = this.log.map(({ event, args }) => `${event} ${shorten(JSON.stringify(args)).slice(0, 300)}`);
    return lines.slice(-40).join("\n  ");
  }
}

// What one scenario has: a server to speak with, people, and clients that are closed at its end.
class Scenario {
  constructor(world) {
    this.world = world;
    this.clients = [];
  }

  // What clients connect to: a road to the server that can be cut.
  get road() {
    return this.place.road;
  }

  // The server itself; null while there is none.
  get server() {
    return this.place.server;
  }

  person(name) {
    return Person.signUp(this, name);
  }

  // Two people and the conversation between them.
  async pair() {
    const [ada, bob] = await Promise.all([this.person("ada"), this.person("bob")]);
    return { ada, bob, conversation: await ada.open(bob) };
  }

  // A client of a person, or of nobody.
  client(person, options = {}, io = this.world.io) {
    const auth = person === undefined ? undefined : { token: person.token };
    const { namespace = "", ...rest } = options;
    const client = new Client(io, this.road + namespace, { auth, ...rest });
    this.clients.push(client);
    return client;
  }

  // Has something done: "kill", "stop" or "start" the server, or start "another" beside it; "cut" the road, "silence"
  // it, or "mend" it, so that it leads to the server that is the newest.
  async stage(act, set = []) {
    this.place = await within(this.world.stage({ act, set }), `the stage to ${act}`);
  }
}

// Plays scenarios one after the other; the names of those that failed.
export async function play(scenarios, world) {
  const failed = [];
  await world.stage({ act: "start", set: world.set ?? [] });
  for (const [name, run] of Object.entries(scenarios)) {
    const scenario = new Scenario(world);
    await scenario.stage("mend");
    const start = performance.now();
    try {
      await run(scenario);
      await world.print(`ok      ${name} (${Math.round(performance.now() - start)} ms)`);
    } catch (error) {
      failed.push(name);
      const stories = scenario.clients.map((client, index) => `client ${index + 1}:\n  ${client.story()}`);
      await world.print(`FAILED  ${name}\n${error.stack}\n${stories.join("\n")}`);
    }
    for (const client of scenario.clients) client.close();
    if (scenario.server === null) await scenario.stage("start");
  }
  return failed;
}
