//! `tegata mfa`: second factors, by whichever wire the profile speaks.

use serde_json::{Value, json};
use tegata_client::{
    Api, otp,
    sam::{Session, command::ProfileCommand, segment, source},
};
use tegata_model::SecretKey;

use super::{SamOpened, password, qr};
use crate::{
    cli::{
        client::{Access, Form},
        sam::{MfaCodeFlags, MfaCommand, MfaEnrollFlags, MfaFlags, MfaRemoveFlags, MfaVerifyFlags},
    },
    commands::{
        access::{Opened, now},
        call, runtime,
        table::{fields, print_json},
    },
    config::Environment,
    failure::Failure,
    terminal,
};

/// `tegata mfa …`
pub(crate) fn mfa(command: &MfaCommand, environment: &Environment) -> Result<(), Failure> {
    match command {
        MfaCommand::Enroll(flags) => enroll(flags, environment),
        MfaCommand::Verify(flags) => verify(flags, environment),
        MfaCommand::Status(flags) => status(flags, environment),
        MfaCommand::Remove(flags) => remove(flags, environment),
        MfaCommand::Code(flags) => code(flags),
    }
}

/// Which wire, and whose.
enum Wire {
    Sam(Box<SamOpened>, Option<String>),
    Ram(Box<Opened>, String, String),
}

impl Wire {
    /// That of the profile. `device` names the device where the wire gives it a name.
    fn find(flags: &MfaFlags, device: Option<&str>, environment: &Environment) -> Result<Self, Failure> {
        if let Some(opened) = SamOpened::find(&flags.server, environment)? {
            return Ok(Self::Sam(Box::new(opened), flags.user.clone()));
        }
        let server = flags.server.clone();
        let (profile, endpoint, ca_file, config_path) = (server.profile, server.endpoint, server.ca_file, server.config_path);
        let access = Access { profile, endpoint, ca_file, config_path, mfa_otpcode: server.mfa_otpcode, ..Access::default() };
        let opened = Opened::new(&access, environment)?;
        let user = if let Some(user) = &flags.user {
            user.clone()
        } else {
            let who = runtime()?.block_on(async {
                let key = opened.credential().await?;
                Ok::<_, Failure>(opened.sts()?.caller_identity(&key, now()).await?)
            })?;
            let own = who.arn.split_once(":user/").map(|(_, name)| name.to_owned());
            own.ok_or_else(|| Failure::usage(format!("you are {}, which is no user; say whose with `--user NAME`", who.arn)))?
        };
        let device = device.unwrap_or(&user).to_owned();
        Ok(Self::Ram(Box::new(opened), user, device))
    }

    /// A call of the SORACOM wire on the second factor of the user, or of the session's own.
    fn sam(opened: &SamOpened, user: Option<&str>, method: &str, more: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let path = |session: &Session| {
            let operator = segment(&session.operator_id);
            match user.or(session.user_name.as_deref()) {
                Some(user) => format!("/operators/{operator}/users/{}/mfa{more}", segment(user)),
                None => format!("/operators/{operator}/mfa{more}"),
            }
        };
        Ok(source::json(&runtime()?.block_on(opened.call(method, path, body))?)?)
    }
}

/// A call of the RAM wire.
fn ram(opened: &Opened, action: &str, parameters: &[(&str, &str)]) -> Result<Value, Failure> {
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    runtime()?.block_on(async { Ok(opened.rpc()?.call(&opened.credential().await?, Api::RAM, action, &parameters, now()).await?) })
}

/// The address of a device of the RAM wire: what its name leads to in lists.
fn serial(opened: &Opened, device: &str) -> Result<String, Failure> {
    let who = runtime()?.block_on(async {
        let key = opened.credential().await?;
        Ok::<_, Failure>(opened.sts()?.caller_identity(&key, now()).await?)
    })?;
    Ok(format!("acs:ram::{}:mfa/{device}", who.account_id))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `tegata mfa enroll`
fn enroll(flags: &MfaEnrollFlags, environment: &Environment) -> Result<(), Failure> {
    let wire = Wire::find(&flags.mfa, flags.device.as_deref(), environment)?;
    let form = flags.mfa.printed.form();
    let address = match &wire {
        Wire::Sam(opened, user) => {
            let answer = Wire::sam(opened, user.as_deref(), "POST", "", None)?;
            SecretKey::new(text(&answer, "/totpUri").to_owned())
        }
        Wire::Ram(opened, _, device) => {
            let made = ram(opened, "CreateVirtualMFADevice", &[("VirtualMFADeviceName", device)])?;
            let seed = text(&made, "/VirtualMFADevice/Base32StringSeed");
            let account = text(&made, "/VirtualMFADevice/SerialNumber").split(':').nth(3).unwrap_or_default().to_owned();
            SecretKey::new(format!(
                "otpauth://totp/tegata:{device}@{account}?secret={seed}&issuer=tegata&algorithm=SHA1&digits=6&period=30"
            ))
        }
    };
    let seed = otp::seed(address.expose()).map_err(|problem| Failure::new(format!("the server's answer cannot be used: {problem}")))?;
    if form == Form::Json {
        let mut object = json!({"status": "UNCONFIRMED"});
        if let Some(object) = object.as_object_mut().filter(|_| flags.show_secret) {
            object.insert("totpUri".to_owned(), address.expose().into());
            object.insert("secret".to_owned(), seed.expose().into());
        }
        print_json(&object);
        return Ok(());
    }
    for line in qr::lines(address.expose(), terminal::coloured()).unwrap_or_default() {
        terminal::say(&line);
    }
    if flags.show_secret {
        terminal::say(&format!("\nSecret: {}", seed.expose()));
    }
    let codes = if matches!(wire, Wire::Ram(..)) { "two codes that follow one another" } else { "a code" };
    terminal::say(&format!("\nScan it with an authenticator application, then prove it with {codes}: tegata mfa verify"));
    Ok(())
}

/// `tegata mfa verify`
fn verify(flags: &MfaVerifyFlags, environment: &Environment) -> Result<(), Failure> {
    let wire = Wire::find(&flags.mfa, flags.device.as_deref(), environment)?;
    let wanted = if matches!(wire, Wire::Ram(..)) { 2 } else { 1 };
    let mut codes = flags.codes.clone();
    if codes.len() > wanted {
        return Err(Failure::usage("one code is enough here"));
    }
    while codes.len() < wanted {
        let name = if codes.is_empty() { "code" } else { "the code after it" };
        codes.push(
            terminal::secret(name)?.ok_or_else(|| Failure::usage(format!("{wanted} code(s) are needed: `tegata mfa verify CODE …`")))?,
        );
    }
    let answer = match (&wire, codes.as_slice()) {
        (Wire::Sam(opened, user), [code, ..]) => Wire::sam(opened, user.as_deref(), "POST", "/verify", Some(&json!({"mfaOTPCode": code})))?,
        (Wire::Ram(opened, user, device), [first, second, ..]) => {
            let serial = serial(opened, device)?;
            let parameters =
                [("SerialNumber", serial.as_str()), ("UserName", user), ("AuthenticationCode1", first), ("AuthenticationCode2", second)];
            ram(opened, "BindMFADevice", &parameters)?;
            Value::Null
        }
        _ => return Err(Failure::usage("a code is needed")),
    };
    let backup: Vec<&str> =
        answer.pointer("/backupCodes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if flags.mfa.printed.form() == Form::Json {
        let mut object = json!({"status": "ACTIVE"});
        if let Some(object) = object.as_object_mut().filter(|_| !backup.is_empty()) {
            object.insert("backupCodes".to_owned(), backup.into());
        }
        print_json(&object);
        return Ok(());
    }
    terminal::say("The second factor is on: signing in needs a code from now on.");
    if !backup.is_empty() {
        terminal::say("Keep these backup codes; each takes the second factor away once, should the device be lost:");
        for code in backup {
            terminal::say(&format!("  {code}"));
        }
    }
    Ok(())
}

/// `tegata mfa status`
fn status(flags: &MfaFlags, environment: &Environment) -> Result<(), Failure> {
    let found = match &Wire::find(flags, None, environment)? {
        Wire::Sam(opened, user) => text(&Wire::sam(opened, user.as_deref(), "GET", "", None)?, "/status").to_owned(),
        Wire::Ram(opened, user, _) => match bound_device(opened, user)? {
            Some(_) => "ACTIVE".to_owned(),
            None => "INACTIVE".to_owned(),
        },
    };
    match flags.printed.form() {
        Form::Json => print_json(&json!({"status": found})),
        Form::Table => fields(&[("Second factor", found.to_ascii_lowercase())]),
    }
    Ok(())
}

/// The device of a user of the RAM wire, which says in an error that there is none.
fn bound_device(opened: &Opened, user: &str) -> Result<Option<String>, Failure> {
    let asked = runtime()?.block_on(async {
        let parameters = [("UserName".to_owned(), user.to_owned())];
        let key = opened.credential().await?;
        Ok::<_, Failure>(opened.rpc()?.call::<Value>(&key, Api::RAM, "GetUserMFAInfo", &parameters, now()).await)
    })?;
    match asked {
        Ok(answer) => Ok(Some(text(&answer, "/MFADevice/SerialNumber").to_owned()).filter(|serial| !serial.is_empty())),
        Err(error) if error.refusal().is_some_and(|refusal| refusal.code.contains("MFADevice")) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `tegata mfa remove`
fn remove(flags: &MfaRemoveFlags, environment: &Environment) -> Result<(), Failure> {
    match &Wire::find(&flags.mfa, None, environment)? {
        Wire::Sam(opened, user) => {
            let owners = user.is_none() && runtime()?.block_on(opened.session())?.user_name.is_none();
            let body = if owners {
                Some(json!({"password": password("password", flags.password.as_deref(), environment.sam.password.as_ref())?}))
            } else {
                None
            };
            Wire::sam(opened, user.as_deref(), "DELETE", "", body.as_ref())?;
        }
        Wire::Ram(opened, user, _) => {
            let serial = bound_device(opened, user)?.ok_or_else(|| Failure::new(format!("`{user}` has no second factor")))?;
            ram(opened, "UnbindMFADevice", &[("UserName", user)])?;
            ram(opened, "DeleteVirtualMFADevice", &[("SerialNumber", &serial)])?;
        }
    }
    match flags.mfa.printed.form() {
        Form::Json => print_json(&json!({"status": "INACTIVE"})),
        Form::Table => _ = terminal::say("The second factor is off."),
    }
    Ok(())
}

/// `tegata mfa code`
fn code(flags: &MfaCodeFlags) -> Result<(), Failure> {
    let seed = match &flags.seed_command {
        Some(line) => {
            let command = ProfileCommand::line(line).map_err(|problem| Failure::usage(format!("`--seed-command`: {problem}")))?;
            let told = runtime()?.block_on(command.output()).map_err(Failure::new)?;
            SecretKey::new(String::from_utf8_lossy(&told).trim().to_owned())
        }
        None => SecretKey::new(call::secret("seed")?),
    };
    let code = otp::code(&seed, now()).map_err(|problem| Failure::new(format!("the seed cannot be used: {problem}")))?;
    match flags.printed.output {
        Some(Form::Json) => print_json(&json!({"code": code.digits.expose(), "secondsLeft": code.seconds_left})),
        _ => _ = terminal::say(code.digits.expose()),
    }
    Ok(())
}
