// What a page of a foreign origin tries with the cookies of whoever looks at it.

const tasks = {
  // The stock client.
  connect({ url, transports }) {
    return new Promise((resolve) => {
      const socket = io(url, { transports, withCredentials: true, reconnection: false, forceNew: true });
      socket.on("connect", () => resolve("connected"));
      socket.on("connect_error", () => resolve("refused"));
    });
  },
  // Cross-site WebSocket hijacking: browsers let any page open a WebSocket, and send the cookies along.
  hijack({ url }) {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
      socket.onopen = () => resolve("connected");
      socket.onerror = () => resolve("refused");
    });
  },
  // A request whose answer can't be read may still have an effect.
  async handshake({ url }) {
    const address = `${url}/socket.io/?EIO=4&transport=polling`;
    const answer = await fetch(address, { credentials: "include" }).catch(() => null);
    return answer === null ? "refused" : `${answer.status}`;
  },
};

addEventListener("message", async ({ data, ports: [port] }) => port.postMessage(await tasks[data.name](data)));
