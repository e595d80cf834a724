use super::*;

fn identity(statement: &str) -> Result<Policy, Malformed> {
    parse(&format!(r#"{{"Version":"1","Statement":[{statement}]}}"#), DocumentKind::Identity)
}

fn trust(principal: &str) -> Result<Policy, Malformed> {
    let text = format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}}}]}}"#);
    parse(&text, DocumentKind::Trust)
}

#[test]
fn a_document_is_refused_with_its_place() {
    for (text, wanted) in [
        ("", "not JSON"),
        ("[]", "expected an object, found a list"),
        ("{}", "`Version` is missing"),
        (r#"{"Version":"1"}"#, "`Statement` is missing"),
        (r#"{"Version":1,"Statement":[]}"#, "`Version`: the only version is the string `1`"),
        (r#"{"Version":"1","Statement":[]}"#, "`Statement`: expected at least one statement"),
        (r#"{"Version":"1","Statement":{}}"#, "`Statement`: expected a list of statements"),
        (r#"{"version":"1","Statement":[]}"#, "`version`: not part of the language; did you mean `Version`?"),
        (r#"{"Version":"1","Version":"1","Statement":[]}"#, "`Version`: given twice"),
        (r#"{"Version":"1","Statement":[],"Id":"x"}"#, "`Id`: not part of the language"),
        (r#"{"Version":"1","Statement":[7]}"#, "`Statement[1]`: expected an object, found a number"),
        (r#"{"Version":"1","Statement":[]} x"#, "not JSON"),
    ] {
        let error = parse(text, DocumentKind::Identity).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{text}: {error}");
    }
}

#[test]
fn a_statement_is_refused_with_its_place() {
    const REST: &str = r#""Effect":"Allow","Action":"*","Resource":"*""#;
    for (statement, wanted) in [
        (r#"{"Effect":"allow","Action":"*","Resource":"*"}"#, "`Statement[1].Effect`: expected `Allow` or `Deny`; did you mean `Allow`?"),
        (r#"{"Effect":["Allow"],"Action":"*","Resource":"*"}"#, "`Statement[1].Effect`: expected `Allow` or `Deny`"),
        (r#"{"Action":"*","Resource":"*"}"#, "`Statement[1]`: `Effect` is missing"),
        (r#"{"Effect":"Allow","Resource":"*"}"#, "`Statement[1]`: expected exactly one of `Action` and `NotAction`"),
        (r#"{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}"#, "`Statement[1]`: expected exactly one"),
        (r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#, "`Statement[1].Action`: expected at least one value"),
        (r#"{"Effect":"Allow","Action":["a:b","ab"],"Resource":"*"}"#, "`Statement[1].Action[2]`: expected `*` or"),
        (r#"{"Effect":"Allow","Action":"a:b:c","Resource":"*"}"#, "`Statement[1].Action`: expected `*` or"),
        (r#"{"Effect":"Allow","Action":["*",7],"Resource":"*"}"#, "`Statement[1].Action[2]`: expected a string, found a number"),
        (r#"{"Effect":"Allow","Action":"*","Resource":""}"#, "`Statement[1].Resource`: expected `*` or `acs:"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"arn:oss:*:*:b"}"#, "`Statement[1].Resource`: expected `*` or `acs:"),
        (r#"{"Effect":"Allow","Action":"*","NotResource":"*"}"#, "`Statement[1].NotResource`: not part of the language"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"RAM":"*"}}"#, "`Statement[1].Principal`: only a trust policy"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"*","Resource":"a:b"}"#, "`Statement[1].Resource`: given twice"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"*","Sid":"x"}"#, "`Statement[1].Sid`: not part of the language"),
    ] {
        let error = identity(statement).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{statement}: {error}");
    }
    for (condition, wanted) in [
        ("null", "`Statement[1].Condition`: expected an object, found null"),
        (r#"{"IpAddres":{"acs:SourceIp":"::1"}}"#, "`Statement[1].Condition.IpAddres`: not an operator; did you mean `IpAddress`?"),
        (r#"{"stringequals":{"k":"v"}}"#, "`Statement[1].Condition.stringequals`: not an operator; did you mean `StringEquals`?"),
        (r#"{"StringEqualsIfExists":{"k":"v"}}"#, "`Statement[1].Condition.StringEqualsIfExists`: not an operator"),
        (r#"{"Null":{"k":"true"}}"#, "`Statement[1].Condition.Null`: not an operator"),
        (r#"{"Bool":{}}"#, "`Statement[1].Condition.Bool`: expected at least one condition key"),
        (r#"{"Bool":{"":"true"}}"#, "`Statement[1].Condition.Bool.`: expected the name of a condition key"),
        (r#"{"Bool":{"k":[]}}"#, "`Statement[1].Condition.Bool.k`: expected at least one value"),
        (r#"{"Bool":{"k":"True"}}"#, "`Statement[1].Condition.Bool.k`: expected `true` or `false`"),
        (r#"{"Bool":{"k":1}}"#, "`Statement[1].Condition.Bool.k`: expected a string, found a number"),
        (r#"{"StringEquals":{"k":["a",true]}}"#, "`Statement[1].Condition.StringEquals.k[2]`: expected a string, found a boolean"),
        (r#"{"IpAddress":{"k":["1.2.3.4","1.2.3.4/33"]}}"#, "`Statement[1].Condition.IpAddress.k[2]`: expected an IP address"),
        (r#"{"NumericEquals":{"k":"1e3"}}"#, "`Statement[1].Condition.NumericEquals.k`: expected a decimal number"),
        (r#"{"DateLessThan":{"k":"2024-08-12"}}"#, "`Statement[1].Condition.DateLessThan.k`: expected an instant"),
        (r#"{"Bool":{"a:b":"true","A:B":"true"}}"#, "`Statement[1].Condition.Bool.A:B`: given twice; condition keys"),
        (r#"{"Bool":{"a":"true"},"Bool":{"b":"true"}}"#, "`Statement[1].Condition.Bool`: given twice"),
    ] {
        let error = identity(&format!(r#"{{{REST},"Condition":{condition}}}"#)).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{condition}: {error}");
        assert!(error.contains("did you mean") == wanted.contains("did you mean"), "{error}");
    }
}

#[test]
fn strangers_text_in_an_error_is_short_and_harmless() {
    let name = format!("\\u001b[2J`\\n{}", "x".repeat(500));
    let error = parse(&format!(r#"{{"{name}":1}}"#), DocumentKind::Identity).unwrap_err();
    assert!(error.path().len() < 100 && !error.path().contains(['\u{1b}', '\n', '`']), "{error}");
}

#[test]
fn every_operator_is_read_and_told() {
    for operator in &OPERATORS {
        let value = match operator.family {
            Family::Text | Family::TextWithoutCase | Family::TextLike => "x",
            Family::Number(_) => "1",
            Family::Date(_) => "2026-01-01T00:00:00Z",
            Family::Bool => "true",
            Family::Ip => "::1",
        };
        let name = operator.name;
        let read =
            identity(&format!(r#"{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{"{name}":{{"k":["{value}"]}}}}}}"#)).unwrap();
        assert_eq!(read.len(), 1);
    }
}

#[test]
fn principals_are_exact_names() {
    let good = trust(
        r#"{"RAM":["acs:ram::100:root","acs:ram::100:user/alice","acs:ram::100:role/b_1","acs:ram::100:root"],
            "Service":"ecs.aliyuncs.com","Federated":["acs:ram::100:saml-provider/adfs","acs:ram::100:oidc-provider/ci"]}"#,
    )
    .unwrap();
    let names: Vec<String> = good.principals().iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "acs:ram::100:root",
            "acs:ram::100:user/alice",
            "acs:ram::100:role/b_1",
            "ecs.aliyuncs.com",
            "acs:ram::100:saml-provider/adfs",
            "acs:ram::100:oidc-provider/ci"
        ]
    );
    for bad in [
        r#""*""#,
        "{}",
        r#"{"RAM":[]}"#,
        r#"{"RAM":"*"}"#,
        r#"{"RAM":"100"}"#,
        r#"{"RAM":"acs:ram::*:root"}"#,
        r#"{"RAM":"acs:ram:*:100:root"}"#,
        r#"{"RAM":"acs:ram::100:user/*"}"#,
        r#"{"RAM":"acs:ram::100:user/"}"#,
        r#"{"RAM":"acs:ram::100:group/x"}"#,
        r#"{"RAM":"acs:ram::100:root/x"}"#,
        r#"{"RAM":"acs:ram::100:user/a/b"}"#,
        r#"{"Service":"*"}"#,
        r#"{"Service":"ecs"}"#,
        r#"{"Federated":"acs:ram::100:user/a"}"#,
        r#"{"Federated":"acs:ram::100:oidc-provider/*"}"#,
        r#"{"ram":"acs:ram::100:root"}"#,
        r#"{"AWS":"acs:ram::100:root"}"#,
    ] {
        assert!(trust(bad).is_err(), "{bad}");
    }
    let with_resource = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Principal":{"Service":"a.b"},"Resource":"*"}]}"#;
    assert_eq!(parse(with_resource, DocumentKind::Trust).unwrap_err().path(), "Statement[1].Resource");
}
