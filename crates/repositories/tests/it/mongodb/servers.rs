//! Servers that are not as they should be.

use std::{env, path::PathBuf, time::Duration};

use mongodb::bson::doc;
use parlor_domain::store::StoreError;
use parlor_repositories::{
    contract::{self, Fixture},
    mongodb::{ConnectError, MongoOptions, MongoStore, Topology},
    testing::MongoDatabase,
};
use parlor_tests::mongod::Standalone;

fn mongod() -> PathBuf {
    let Some(program) = env::var_os("PARLOR_TEST_MONGOD") else {
        panic!("PARLOR_TEST_MONGOD is not set: run `cargo xtask test`, or see `cargo xtask services`");
    };
    program.into()
}

fn hasty() -> MongoOptions {
    MongoOptions { timeout: Duration::from_millis(1500), connections: 8 }
}

macro_rules! run_every_behaviour {
    ($store:ident $($module:ident [$($behaviour:ident)*])*) => {
        $($(
            $store.stores().maintenance.clear().await.unwrap();
            contract::$module::$behaviour(&Fixture::new($store.stores())).await;
        )*)*
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standalone_server_passes_the_contract_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let server = Standalone::start(&mongod(), folder.path(), &[]).unwrap();
    let store = MongoStore::connect(&server.url(), &MongoOptions::default()).await.unwrap();
    let deployment = store.deployment();
    assert_eq!((&deployment.topology, deployment.database.as_str()), (&Topology::Standalone, "parlor"));
    assert_eq!(deployment.hosts, [format!("127.0.0.1:{}", server.port())]);
    store.migrate().await.unwrap();
    parlor_repositories::store_behaviours! { run_every_behaviour, store }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_set_says_its_name_and_version() {
    let store = super::connect(&MongoDatabase::fresh()).await;
    let deployment = store.deployment();
    assert!(matches!(&deployment.topology, Topology::ReplicaSet { name } if !name.is_empty()), "{deployment:?}");
    assert!(deployment.version.starts_with(|c: char| c.is_ascii_digit()), "{deployment:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_is_none_and_a_server_that_is_not_there_are_told_without_the_password() {
    for url in
        ["mongodb://", "mongodb://ada:geheim@x:port/parlor", "mongodb://ada:geheim@h/parlor?w=lots&x", "http://h"]
    {
        let error = MongoStore::connect(url, &hasty()).await.err().unwrap();
        let text = error.to_string();
        assert!(matches!(error, ConnectError::Url(_)), "{url}: {error:?}");
        assert!(!text.contains("geheim") && !text.contains('\n'), "{text}");
    }
    let nobody = "mongodb://ada:geheim@127.0.0.1:1/parlor";
    let error = MongoStore::connect(nobody, &hasty()).await.err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(!text.contains("geheim") && !text.contains('\n'), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_and_missing_privileges_are_told_as_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let server = Standalone::start(&mongod(), folder.path(), &["--auth"]).unwrap();
    let admin = doc! { "createUser": "root", "pwd": "geheim", "roles": ["root"] };
    server.command("admin", admin).unwrap();
    let url = |user: &str, password: &str| {
        server.url().replace("mongodb://", &format!("mongodb://{user}:{password}@")) + "/chat?authSource=admin"
    };
    let root = mongodb::Client::with_uri_str(url("root", "geheim")).await.unwrap();
    let parlor = doc! { "createUser": "parlor", "pwd": "geheim", "roles": [
        { "role": "readWrite", "db": "chat" }, { "role": "dbAdmin", "db": "chat" },
    ] };
    root.database("admin").run_command(parlor).await.unwrap();
    let stranger = doc! { "createUser": "stranger", "pwd": "geheim", "roles": [{ "role": "read", "db": "other" }] };
    root.database("admin").run_command(stranger).await.unwrap();

    let connect = async |user: &str, password: &str| MongoStore::connect(&url(user, password), &hasty()).await;
    let error = connect("parlor", "falsch").await.err().unwrap();
    assert!(matches!(error, ConnectError::Authentication(_)), "{error:?}");
    let nobody = MongoStore::connect(&(server.url() + "/chat"), &hasty()).await.err().unwrap();
    assert!(matches!(nobody, ConnectError::Privilege(_)), "{nobody:?}");
    let error = connect("stranger", "geheim").await.err().unwrap();
    assert!(matches!(error, ConnectError::Privilege(_)), "{error:?}");
    assert!(!error.to_string().contains("geheim"));
    let store = connect("parlor", "geheim").await.unwrap();
    store.migrate().await.unwrap();
    contract::users::a_user_reads_back_as_it_was_inserted(&Fixture::new(store.stores())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_unavailable_in_bounded_time_and_good_again_when_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Standalone::start(&mongod(), folder.path(), &[]).unwrap();
    let store = MongoStore::connect(&server.url(), &hasty()).await.unwrap();
    store.migrate().await.unwrap();
    let stores = store.stores();
    stores.maintenance.ping().await.unwrap();
    server.pause().unwrap();
    let refused = async {
        [
            stores.maintenance.ping().await,
            stores.maintenance.clear().await,
            stores.users.rev(parlor_domain::UserId::from_bytes([1; 12])).await.map(drop),
        ]
    };
    for refused in tokio::time::timeout(Duration::from_secs(30), refused).await.unwrap() {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    server.resume().unwrap();
    let well = async {
        while stores.maintenance.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), well).await.unwrap();
    let fixture = Fixture::new(stores);
    fixture.user("ada").await;
}
